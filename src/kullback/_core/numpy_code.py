"""Python code for NumPy of the operations of a formula: for arrays, and for scalars."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from kullback._core.compilation import COMPILED
from kullback._core.derivatives import COMPILED_LOOP
from kullback._core.operations import (
    CALL,
    NODES_OF_ONE,
    Block,
    Constant,
    Operation,
    Value,
    Variable,
    outside,
    used,
)

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "eq": "==", "ne": "!=", "lt": "<",
    "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|",
}  # fmt: skip
_NUMPY = {
    "abs": "abs", "acos": "arccos", "asin": "arcsin", "atan": "arctan", "atan2": "arctan2",
    "ceil": "ceil", "cos": "cos", "cosh": "cosh", "exp": "exp", "exp2": "exp2", "expm1": "expm1",
    "floor": "floor", "is_finite": "isfinite", "log": "log", "log1p": "log1p", "max": "maximum",
    "min": "minimum", "pow": "power", "sign": "sign", "sin": "sin", "sinh": "sinh",
    "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
}  # fmt: skip
# SciPy's error functions take 0.1 s to import
_MATH = {"erf": math.erf, "erfc": math.erfc}


# Rows that have ended are left out of a loop when they are so many of those in it.
_ENDED = 0.25


def each_row(
    condition: Callable[..., tuple[Any]],
    step: Callable[..., Sequence[Any]],
    state: Sequence[Any],
    around: Sequence[Any],
) -> Sequence[Any]:
    """Run a loop on every row until the row's own condition fails.

    Args:
        condition: whether a row goes on, of the state and what is around.
        step: the next state, of the same.
        state: what the loop carries: arrays of the rows, or numbers that they share.
        around: what it takes from around it.

    Returns:
        The last states.
    """
    whole: list[Any] = []
    place: Any = None
    while True:
        (going,) = condition(*state, *around)
        count = np.count_nonzero(going)
        if count == 0 and not whole:
            return state
        if np.ndim(going) and count <= (1.0 - _ENDED) * going.size:
            if not whole:
                whole = [np.empty(going.size, np.asarray(v).dtype) for v in state]
                place = np.arange(going.size)
            ended = ~going
            for all_rows, part in zip(whole, state, strict=True):
                all_rows[place[ended]] = part[ended] if np.ndim(part) else part
            if count == 0:
                return whole
            place = place[going]
            state, around = (
                [v[going] if np.ndim(v) else v for v in values] for values in (state, around)
            )
        state = step(*state, *around)


class ArrayCode:
    """Writes a program for arrays: a name is used again after the last use of its variable."""

    def __init__(self, known: dict[str, Any] | None = None, key: Hashable = None) -> None:
        """Start without lines, and with the names that the code of a larger program knows.

        Args:
            known: these names.
            key: what compiled loops depend on, apart from their place.
        """
        self.key = key
        self.lines: list[str] = []
        self.names: dict[Value, str] = {}
        self.free: list[str] = []
        self.count = 0
        self.globals: dict[str, Any] = known or {
            "where": np.where,
            "add_up": np.add.reduce,
            "largest": np.maximum.reduce,
            "each_row": each_row,
            "inf": np.inf,
            "nan": np.nan,
            **{name: getattr(np, name) for name in _NUMPY.values()},
            **{name: _elementwise(function) for name, function in _MATH.items()},
            "erf_inv": _erf_inv,
        }

    def program(self, block: Block) -> Callable[..., tuple[Any, ...]]:
        """Return the program of operations, which takes the rows and then the numbers."""
        return self._function("program", block, block.carried)

    def _function(
        self, name: str, block: Block, arguments: Sequence[Value]
    ) -> Callable[..., tuple[Any, ...]]:
        for variable in arguments:
            self._take(variable)
        names = ", ".join(self.names[variable] for variable in arguments)
        self._write_block(block, 1, set(block.results))
        results = ", ".join(self._spelled(value) for value in block.results)
        self.lines.append(f" return ({results},)")
        code = "\n".join([f"def {name}({names}):", *self.lines])
        exec(code, self.globals)  # written here, of operations and numbers alone
        function: Callable[..., tuple[Any, ...]] = self.globals[name]
        return function

    def _write_block(self, block: Block, indent: int, kept: set[Value]) -> None:
        """Write the operations; names of variables that are not used again become free."""
        last: dict[Value, int] = {}
        for place, operation in enumerate(block.operations):
            last.update((value, place) for value in used(operation))
        own = set(block.carried) if indent == 1 else set()
        ending: dict[int, list[Value]] = {}
        for value, place in last.items():
            ending.setdefault(place, []).append(value)
        for place, operation in enumerate(block.operations):
            own.update(operation.outputs)
            self._write(operation, indent)
            for value in ending.get(place, ()):
                if value in own and value not in kept:
                    self._release(value)
            for value in operation.outputs:
                if value not in last and value not in kept:
                    self._release(value)

    def _write(self, operation: Operation, indent: int) -> None:
        space = " " * indent
        if operation.body is not None:
            self._write_loop(operation, operation.body, indent)
            return
        if operation.name == COMPILED_LOOP:
            inputs = ", ".join(self._spelled(value, typed=True) for value in operation.inputs)
            call = self._named(_compiled((self.key, len(self.globals)), operation.detail))
            for out in operation.outputs:
                self._take(out)
            outputs = ", ".join(self.names[out] for out in operation.outputs)
            self.lines.append(f"{space}{outputs}, = {call}({inputs})")
            return
        expression = self._expression(operation)
        self._take(operation.outputs[0])
        self.lines.append(f"{space}{self.names[operation.outputs[0]]} = {expression}")

    def _ends_by_row(self, condition: Block | None) -> bool:
        """Whether each row ends the loop at its own step."""
        end = None if condition is None else condition.results[0]
        return isinstance(end, Variable) and end.rows

    def _write_row_loop(self, operation: Operation, indent: int) -> None:
        """Write a loop whose rows end one by one, as a call of ``each_row``."""
        assert operation.body is not None
        assert operation.condition is not None
        carried = operation.body.carried
        blocks = operation.condition, operation.body
        taken = dict.fromkeys(v for b in blocks for v in outside(b) if isinstance(v, Variable))
        fixed = [variable for variable in taken if variable not in carried]
        functions = []
        for block in blocks:
            functions.append(f"f{len(self.globals)}")
            ArrayCode(self.globals)._function(functions[-1], block, [*carried, *fixed])
        start = ", ".join(self._spelled(value, typed=True) for value in operation.inputs)
        around = ", ".join(self.names[variable] for variable in fixed)
        for out in operation.outputs:
            self._take(out)
        outputs = ", ".join(self.names[out] for out in operation.outputs)
        call = f"each_row({', '.join(functions)}, [{start}], [{around}])"
        self.lines.append(f"{' ' * indent}{outputs}, = {call}")

    def _write_loop(self, operation: Operation, body: Block, indent: int) -> None:
        if self._ends_by_row(operation.condition):
            self._write_row_loop(operation, indent)
            return
        space = " " * indent
        started = [self._spelled(value, typed=True) for value in operation.inputs]
        for variable, out, start in zip(body.carried, operation.outputs, started, strict=True):
            self._take(out)
            self.names[variable] = self.names[out]
            self.lines.append(f"{space}{self.names[out]} = {start}")
        if operation.condition is None:
            for entry in body.entries:
                self._take(entry)
            entries = ", ".join(["_", *(self.names[entry] for entry in body.entries)])
            tables = ", ".join(self._named(table) for table in operation.detail)
            self.lines.append(f"{space}for ({entries},) in zip({tables}):")
        else:
            self.lines.append(f"{space}while True:")
            condition = operation.condition
            self._write_block(condition, indent + 1, set(condition.results))
            self.lines.append(f"{space} if not {self._spelled(condition.results[0])}: break")
            self._release_inner(condition)
        self._write_block(body, indent + 1, set(body.results))
        carried = ", ".join(self.names[variable] for variable in body.carried)
        results = ", ".join(self._spelled(value, typed=True) for value in body.results)
        self.lines.append(f"{space} {carried} = {results}")
        self._release_inner(body)
        for entry in body.entries:
            self._release(entry)

    def _release_inner(self, block: Block) -> None:
        """Free the names of a loop's results, which were kept to its end."""
        inner = {out for operation in block.operations for out in operation.outputs}
        for value in set(block.results):
            if value in inner:
                self._release(value)

    def _of_rows(self, operation: Operation) -> bool:
        """Whether an operation is elementwise over an array."""
        return operation.outputs[0].rows

    def _take(self, variable: Value) -> None:
        if self.free:
            self.names[variable] = self.free.pop()
        else:
            self.names[variable] = f"v{self.count}"
            self.count += 1

    def _release(self, value: Value) -> None:
        self.free.append(self.names[value])

    def _spelled(self, value: Value, *, typed: bool = False) -> str:
        if isinstance(value, Variable):
            return self.names[value]
        number = value.value
        if number.ndim or number.dtype == bool or typed:
            return self._named(number[()])
        return repr(number.item())

    def _named(self, number: Any) -> str:
        name = f"c{len(self.globals)}"
        self.globals[name] = number
        return name

    def _expression(self, operation: Operation) -> str:
        name = operation.name
        # a Python number is the fastest beside a NumPy one; alone, 1/0 would be an error
        typed = name == "select_n" or all(isinstance(v, Constant) for v in operation.inputs)
        inputs = [self._spelled(value, typed=typed) for value in operation.inputs]
        rows = self._of_rows(operation)
        first = inputs[0]
        if name in _INFIX:
            return f"{first} {_INFIX[name]} {inputs[1]}"
        if name == "select_n":
            at, no, yes = inputs
            return f"where({at}, {yes}, {no})" if rows else f"{yes} if {at} else {no}"
        if name == "integer_pow":
            return f"{first} ** {operation.detail}"
        if name == "not":
            return f"~{first}" if rows else f"not {first}"
        if name == "clamp":
            return f"minimum(maximum({inputs[1]}, {first}), {inputs[2]})"
        simple = {
            CALL: first,
            "neg": f"-{first}",
            "stop_gradient": first,
            "reduce_sum": f"add_up({first}, 0)",
            "reduce_max": f"largest({first}, 0)",
            NODES_OF_ONE: f"add_up({first}, 0)[0]",
            "square": f"{first} * {first}",
            "rsqrt": f"1.0 / sqrt({first})",
            "to_float": f"{first} + 0.0",
            "entry": f"{first}[{inputs[-1]}]",
        }
        return simple.get(name) or f"{_NUMPY.get(name, name)}({', '.join(inputs)})"


@dataclasses.dataclass(eq=False)
class _Branch:
    """Operations that run only where a choice takes one side, in reverse order."""

    above: _Branch | None
    depth: int
    operations: list[Operation] = dataclasses.field(default_factory=list)


# Python's parser takes 100 levels of indentation.
_DEEPEST = 40


class ScalarCode(ArrayCode):
    """Writes a program for scalars: what only one side of a choice needs runs on that side."""

    def _of_rows(self, operation: Operation) -> bool:  # noqa: ARG002
        return False

    def _ends_by_row(self, condition: Block | None) -> bool:  # noqa: ARG002
        return False

    def _release(self, value: Value) -> None:
        """Keep the name: it may be needed on another side."""

    def _write_block(self, block: Block, indent: int, kept: set[Value]) -> None:
        root = _Branch(None, 0)
        needed: dict[Value, _Branch] = dict.fromkeys(kept, root)
        sides: dict[Operation, tuple[_Branch, _Branch]] = {}
        for operation in reversed(block.operations):
            branch = _common([needed[v] for v in operation.outputs if v in needed])
            branch.operations.append(operation)
            if operation.name == "select_n" and branch.depth < _DEEPEST:
                no, yes = (_Branch(branch, branch.depth + 1) for _ in range(2))
                sides[operation] = (no, yes)
                uses = list(zip(operation.inputs, (branch, no, yes), strict=True))
            else:
                uses = [(value, branch) for value in used(operation)]
            for value, side in uses:
                needed[value] = _common([needed[value], side]) if value in needed else side
        self._write_branch(root, indent, sides)

    def _write_branch(
        self, branch: _Branch, indent: int, sides: dict[Operation, tuple[_Branch, _Branch]]
    ) -> None:
        space = " " * indent
        for operation in reversed(branch.operations):
            if not any(side.operations for side in sides.get(operation, ())):
                self._write(operation, indent)
                continue
            condition, *values = operation.inputs
            self._take(operation.outputs[0])
            name = self.names[operation.outputs[0]]
            no, yes = sides[operation]
            for word, side, value in (
                (f"if {self._spelled(condition)}", yes, values[1]),
                ("else", no, values[0]),
            ):
                self.lines.append(f"{space}{word}:")
                self._write_branch(side, indent + 1, sides)
                self.lines.append(f"{space} {name} = {self._spelled(value, typed=True)}")


def _common(branches: list[_Branch]) -> _Branch:
    """Return the innermost branch that all of them lie in."""
    first = branches[0]
    for other in branches[1:]:
        while first is not other:
            if first.depth >= other.depth and first.above is not None:
                first = first.above
            else:
                assert other.above is not None
                other = other.above
    return first


def _compiled(key: Hashable, closed: Any) -> Callable[..., Sequence[Any]]:
    """The function of a traced loop, compiled at its first call."""
    types = [(v.aval.shape, v.aval.dtype) for v in closed.jaxpr.invars]

    def build() -> Callable[..., Any]:
        from jax.extend.core import jaxpr_as_fun  # which loads much of JAX

        function: Callable[..., Any] = jaxpr_as_fun(closed)
        return function

    def call(*inputs: Any) -> Sequence[Any]:
        arrays = (
            np.broadcast_to(np.asarray(v, dtype), shape)
            for v, (shape, dtype) in zip(inputs, types, strict=True)
        )
        found = COMPILED.call(key, build, *arrays)
        return [np.asarray(v) for v in found]

    return call


def _erf_inv(x: Any) -> Any:
    import scipy.special

    return scipy.special.erfinv(x)


def _elementwise(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """Return a function of a number for arrays too."""

    def apply(x: Any) -> Any:
        if np.ndim(x) == 0:
            return np.float64(function(x))
        values = map(function, x.reshape(-1).tolist())
        return np.fromiter(values, np.float64, x.size).reshape(x.shape)

    return apply
