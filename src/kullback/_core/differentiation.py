"""Differentiates among the operations of a traced formula: forwards, by adding operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import jax
import numpy as np

from kullback._core.derivatives import PARTIALS, traced_for_numpy
from kullback._core.operations import (
    CALL,
    ROWS,
    Block,
    Constant,
    Operation,
    UntranslatableError,
    Value,
    Variable,
    inlined,
    operate,
    used,
)


class _Number:
    """A value in a block, with the arithmetic that adds operations to it."""

    def __init__(self, value: Value, block: Block) -> None:
        self.value = value
        self.block = block

    def of(self, name: str, *others: Any, detail: Any = None) -> _Number:
        """Apply an operation to it and to other values."""
        values = [other if isinstance(other, _Number) else self.known(other) for other in others]
        inputs = (self.value, *(other.value for other in values))
        return _Number(operate(name, inputs, self.block, detail), self.block)

    def known(self, number: float) -> _Number:
        """A constant."""
        return _Number(_constant(number), self.block)

    def is_known(self, number: float) -> bool:
        """Whether it is this constant."""
        return self.value is _constant(number)

    def __neg__(self) -> _Number:
        return self.of("neg")

    def __add__(self, other: Any) -> _Number:
        return self.of("add", other)

    def __sub__(self, other: Any) -> _Number:
        return self.of("sub", other)

    def __mul__(self, other: Any) -> _Number:
        if isinstance(other, _Number) and self.is_known(1.0):
            return other
        if isinstance(other, _Number) and other.is_known(1.0):
            return self
        return self.of("mul", other)

    def __truediv__(self, other: Any) -> _Number:
        return self.of("div", other)

    def inverse(self) -> _Number:
        """1/x, which several derivatives share."""
        return self.known(1.0) / self


@cache
def _constant(number: float) -> Constant:
    return Constant(np.asarray(number))


def _where(condition: _Number, yes: _Number, no: _Number) -> _Number:
    return condition.of("select_n", no, yes)


def _chosen(name: str) -> tuple[Callable[..., _Number], ...]:
    """The partial derivatives of max or min: 1 for the chosen argument, ½ for equal ones."""

    def partial(own: _Number, other: _Number) -> _Number:
        half = _where(own.of("eq", other), own.known(0.5), own.known(0.0))
        return _where(own.of(name, other), own.known(1.0), half)

    return (lambda x, y, _: partial(x, y)), (lambda x, y, _: partial(y, x))


# The partial derivatives in each input, from the inputs and the result.
_RULES: Mapping[str, Sequence[Callable[..., _Number]]] = {
    "add": (lambda x, _y, _: x.known(1.0), lambda x, _y, _: x.known(1.0)),
    "sub": (lambda x, _y, _: x.known(1.0), lambda x, _y, _: x.known(-1.0)),
    "mul": (lambda _x, y, _: y, lambda x, _y, _: x),
    "div": (lambda _x, y, _: y.inverse(), lambda _x, y, out: -(out * y.inverse())),
    "neg": (lambda x, _: x.known(-1.0),),
    # 1 at 0, as in JAX: what is built of |x| there may have a derivative, as 1/(1 + e^−|x|) has
    "abs": (lambda x, _: _where(x.of("ge", 0.0), x.known(1.0), x.known(-1.0)),),
    "square": (lambda x, _: x * 2.0,),
    "exp": (lambda _, out: out,),
    "exp2": (lambda _, out: out * math.log(2.0),),
    "expm1": (lambda _, out: out + 1.0,),
    "log": (lambda x, _: x.inverse(),),
    "log1p": (lambda x, _: (x + 1.0).inverse(),),
    "sqrt": (lambda x, out: x.known(0.5) / out,),
    "rsqrt": (lambda x, out: out * -0.5 / x,),
    "pow": (
        lambda x, y, _: x.of("pow", y - 1.0) * y,
        lambda x, _y, out: _where(x.of("eq", 0.0), x.known(1.0), x).of("log") * out,
    ),
    "max": _chosen("gt"),
    "min": _chosen("lt"),
    "sin": (lambda x, _: x.of("cos"),),
    "cos": (lambda x, _: -x.of("sin"),),
    "tan": (lambda _, out: out * out + 1.0,),
    "sinh": (lambda x, _: x.of("cosh"),),
    "cosh": (lambda x, _: x.of("sinh"),),
    "tanh": (lambda x, out: x.known(1.0) - out * out,),
    "asin": (lambda x, _: (x.known(1.0) - x * x).of("rsqrt"),),
    "acos": (lambda x, _: -(x.known(1.0) - x * x).of("rsqrt"),),
    "atan": (lambda x, _: (x * x + 1.0).inverse(),),
    "atan2": (lambda y, x, _: x / (x * x + y * y), lambda y, x, _: -y / (x * x + y * y)),
    "erf": (lambda x, _: (-(x * x)).of("exp") * (2.0 / math.sqrt(math.pi)),),
    "erfc": (lambda x, _: (-(x * x)).of("exp") * (-2.0 / math.sqrt(math.pi)),),
    "erf_inv": (lambda _, out: (out * out).of("exp") * (0.5 * math.sqrt(math.pi)),),
}

# Steps: their derivative is 0 wherever they have one.
_STEPS = """and ceil entry eq floor ge gt is_finite le lt ne not or reduce_or sign
stop_gradient to_float"""
_FLAT = frozenset(_STEPS.split())


def derivative_of(value: Value, number: Value, block: Block) -> Value:
    """Return the derivative of a value in a number, with its operations added to the block.

    Raises:
        UntranslatableError: for an operation whose derivative is not known here.
    """
    if block.depth:
        raise UntranslatableError("a derivative inside of a loop")
    # a tangent that is 0 is None
    tangents: dict[Value, Value | None] = block.tangents.setdefault(
        number, {number: _constant(1.0)}
    )
    needed, path = {value}, []
    for operation in reversed(block.operations):
        if not needed.isdisjoint(operation.outputs):
            path.append(operation)
            needed |= _differentiated(operation)
    for operation in reversed(path):
        for out in operation.outputs:
            if out not in tangents:
                tangents[out] = _tangent(operation, tangents, block)
    return tangents.get(value) or _constant(0.0)


def _sources(operation: Operation) -> set[Value]:
    return set(operation.detail[1]) if operation.name == CALL else used(operation)


def _differentiated(operation: Operation) -> set[Value]:
    """The values that an operation's derivative is taken in: not conditions."""
    if operation.name in _FLAT:
        return set()
    return set(operation.inputs[1:]) if operation.name == "select_n" else _sources(operation)


def _tangent(
    operation: Operation, tangents: Mapping[Value, Value | None], block: Block
) -> Value | None:
    out, name, inputs = operation.outputs[0], operation.name, operation.inputs
    rules: Sequence[Callable[..., _Number]]
    if name in _FLAT or not any(tangents.get(v) for v in _sources(operation)):
        return None
    if name == "select_n":
        condition, *sides = inputs
        found = [tangents.get(side) or _constant(0.0) for side in sides]
        return operate("select_n", (condition, *found), block)
    if name == CALL:
        called, inputs = operation.detail
        shapes = tuple((ROWS,) if isinstance(v, Variable) and v.rows else () for v in inputs)
        rules = [_partial(called, i, shapes) for i in range(len(inputs))]
    elif name == "integer_pow":
        power = operation.detail
        rules = [lambda x, _: x.of("integer_pow", detail=power - 1) * float(power)]
    elif name in _RULES:
        rules = _RULES[name]
    else:
        raise UntranslatableError(f"the derivative of {name}")
    numbers = [_Number(v, block) for v in inputs]
    total: _Number | None = None
    for value, rule in zip(inputs, rules, strict=True):
        tangent = tangents.get(value)
        if tangent is not None:
            partial, along = rule(*numbers, _Number(out, block)), _Number(tangent, block)
            step = -along if partial.is_known(-1.0) else partial * along
            total = step if total is None else total + step
    return None if total is None else total.value


def _partial(name: str, place: int, shapes: tuple[tuple[int, ...], ...]) -> Any:
    """The partial derivative of a marked function, as its rule."""

    def rule(*numbers: _Number) -> _Number:
        *inputs, out = numbers
        closed = _traced(name, place, shapes)
        return _Number(inlined(closed, [n.value for n in inputs], out.block)[0], out.block)

    return rule


@cache
def _traced(name: str, place: int, shapes: tuple[tuple[int, ...], ...]) -> Any:
    """The operations of a marked function's partial derivative, traced once in a process."""
    if name not in PARTIALS:
        raise UntranslatableError(f"the derivative of {name}")
    kind: Any = jax.ShapeDtypeStruct
    with traced_for_numpy():
        partial: Any = PARTIALS[name][place]
        return jax.make_jaxpr(partial)(*(kind(shape, np.float64) for shape in shapes))
