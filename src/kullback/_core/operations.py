"""The operations of a traced formula, in a flat order: what a NumPy program is written from.

JAX traces an elementwise formula into nested calls. Here they are put in one list, with equal
operations done once, those of a loop that do not change in it done before it, and unused ones left
out. A scalar that JAX broadcasts over the rows stays a scalar: NumPy broadcasts by itself.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from kullback._core.derivatives import COMPILED_LOOP, DERIVATIVE, PARTIALS

ROWS = 2048
"""The length that formulas are traced with, and compiled loops: no table of constants has it."""


class UntranslatableError(Exception):
    """The formula has an operation that has no translation: it must be compiled."""


@dataclasses.dataclass(frozen=True, eq=False)
class Constant:
    """A number or a table of numbers."""

    value: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Variable:
    """The result of an operation: one number a row, or one for all rows."""

    rows: bool
    depth: int
    """How many loops it lies in."""


Value: TypeAlias = Constant | Variable


@dataclasses.dataclass(frozen=True, eq=False)
class Operation:
    """An elementwise operation, or a loop (then with blocks)."""

    name: str
    inputs: tuple[Value, ...]
    outputs: tuple[Variable, ...]
    detail: Any = None
    condition: Block | None = None
    body: Block | None = None


@dataclasses.dataclass(eq=False)
class Block:
    """Operations in order; of a loop, with the variables it carries and their next values."""

    depth: int
    above: Block | None = None
    operations: list[Operation] = dataclasses.field(default_factory=list)
    known: dict[Hashable, Variable] = dataclasses.field(default_factory=dict)
    carried: tuple[Variable, ...] = ()
    entries: tuple[Variable, ...] = ()
    """In a loop over tables of constants, an entry of each."""
    results: tuple[Value, ...] = ()
    tangents: dict[Value, dict[Value, Value | None]] = dataclasses.field(default_factory=dict)
    """Derivatives that were found, by the number differentiated in and the value."""

    @property
    def nodes(self) -> int:
        """The largest number of nodes that it adds up over."""
        values = {value for operation in self.operations for value in used(operation)}
        tables = (v.value for v in values if isinstance(v, Constant))
        return max((len(table) for table in tables if table.ndim == 2), default=0)

    @property
    def adds_nodes(self) -> bool:
        """Whether it adds up over an axis of nodes."""
        return any(
            operation.name in ("reduce_sum", NODES_OF_ONE)
            or any(inner.adds_nodes for inner in (operation.condition, operation.body) if inner)
            for operation in self.operations
        )

    @property
    def loops(self) -> bool:
        """Whether it has loops."""
        return any(operation.body is not None for operation in self.operations)

    def at_depth(self, depth: int) -> Block:
        """Return the block itself or the one around it that lies in so many loops."""
        block = self
        while block.depth > depth:
            assert block.above is not None
            block = block.above
        return block


# calls whose inner formula stands for them
_CALLS = ("jit", "pjit", "custom_jvp_call", "custom_vjp_call", "closed_call", "core_call", "remat")
# operations that change the type or the shape alone
_SAME = ("copy", "copy_p", "broadcast_in_dim", "squeeze", "reshape")

NODES_OF_ONE = "nodes_of_one"
"""The sum over nodes of a number that is the same for all rows."""

CALL = "call"
"""The result of a call that has derivatives of its own; its detail is the name and the arguments.

It is an operation of its own: the same operations may stand elsewhere without the call."""

_NAMES = """abs acos add and asin atan atan2 ceil clamp cos cosh div eq erf erf_inv erfc exp exp2
expm1 floor ge gt integer_pow is_finite le log log1p lt max min mul ne neg not or pow
rsqrt select_n sign sin sinh sqrt square sub tan tanh"""
ELEMENTWISE = frozenset(_NAMES.split())


def flattened(closed: Any) -> Block:
    """Return the operations of a formula, traced at ``ROWS`` rows.

    Raises:
        UntranslatableError: where it has others than those listed here.
    """
    block = Block(0)
    block.carried = tuple(_variable(v, 0) for v in closed.jaxpr.invars)
    block.results = tuple(inlined(closed, block.carried, block))
    _without_unused(block)
    return block


def with_results(block: Block, kept: slice) -> Block:
    """Return the operations that some of the results need."""
    part = dataclasses.replace(
        block, operations=list(block.operations), results=block.results[kept]
    )
    _without_unused(part)
    return part


def _by_row(shape: tuple[int, ...]) -> bool:
    """Whether an array has one number, one a row, or an axis of nodes before that of the rows."""
    return shape in ((), (ROWS,)) or (len(shape) == 2 and shape[1] in (1, ROWS))


def _variable(var: Any, depth: int) -> Variable:
    if var.aval.shape not in ((), (ROWS,)):
        raise UntranslatableError(f"an array of shape {var.aval.shape}")
    return Variable(var.aval.shape == (ROWS,), depth)


def inlined(closed: Any, inputs: Sequence[Any], block: Block) -> list[Any]:
    """Append the operations of a formula to a block and return its results."""
    jaxpr, consts = closed.jaxpr, closed.consts
    values: dict[Any, Any] = dict(zip(jaxpr.invars, inputs, strict=True))
    values.update(
        (v, Constant(np.asarray(c))) for v, c in zip(jaxpr.constvars, consts, strict=True)
    )

    def read(atom: Any) -> Any:  # a value, or a tuple of the numbers of a vector
        return Constant(np.asarray(atom.val)) if hasattr(atom, "val") else values[atom]

    for equation in jaxpr.eqns:
        arguments = [read(atom) for atom in equation.invars]
        results = _translated(equation, arguments, block)
        values.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _translated(equation: Any, arguments: Sequence[Any], block: Block) -> Sequence[Any]:
    name, params = equation.primitive.name, equation.params
    if name in _CALLS and params.get("name") == COMPILED_LOOP:
        outputs = tuple(Variable(bool(v.aval.shape), block.depth) for v in equation.outvars)
        loop = Operation(COMPILED_LOOP, tuple(arguments), outputs, params["jaxpr"])
        block.operations.append(loop)
        return outputs
    if name in _CALLS:
        return _called(equation, arguments, block)
    if name == "while":
        return _while(params, arguments, block)
    if name == "scan":
        return _scan(params, arguments, block)
    out = equation.outvars[0].aval
    if name in _SAME:
        if isinstance(arguments[0], Constant) and arguments[0].value.size == 1:
            return [Constant(arguments[0].value.reshape(()))]
        if isinstance(arguments[0], Constant) and arguments[0].value.size == math.prod(out.shape):
            return [Constant(arguments[0].value.reshape(out.shape))]
        if _by_row(out.shape):
            return [arguments[0]]
    if name == "stack" and all(not atom.aval.shape for atom in equation.invars):
        return [tuple(arguments)]  # of which ``slice`` takes one
    if name == "slice" and isinstance(arguments[0], tuple) and out.shape == (1,):
        return [arguments[0][params["start_indices"][0]]]
    if any(isinstance(argument, tuple) for argument in arguments):
        raise UntranslatableError(f"{name} of a vector of numbers")
    if name == "stop_gradient":  # an operation of its own, so that nothing is differentiated in it
        return [operate(name, tuple(arguments), block)]
    if name == "reduce_sum" and params["axes"] == (0,) and out.shape in ((1,), (ROWS,)):
        # over nodes, of each row or of one number for all
        name = NODES_OF_ONE if out.shape == (1,) else name
        return [operate(name, tuple(arguments), block)]
    if name == "reduce_max" and params["axes"] == (0,) and out.shape in ((), (ROWS,)):
        return [operate(name, tuple(arguments), block)]
    if name == "dynamic_slice":  # an entry of a table
        table, place = arguments[0], arguments[1:]
        if isinstance(table, Constant) and table.value.ndim == 1 and out.shape == (1,):
            return [operate("entry", (table, *place), block)]
    if name == "reduce_or" and out.shape == ():  # whether a loop goes on: a row decides for itself
        return arguments
    if name == "convert_element_type":
        return [_converted(arguments[0], equation.invars[0].aval.dtype, out.dtype, block)]
    name = "add" if name == "add_any" else name  # of tangents
    if name not in ELEMENTWISE or not _by_row(out.shape) or len(equation.outvars) != 1:
        raise UntranslatableError(name)
    return [operate(name, tuple(arguments), block, params.get("y"))]


def _called(equation: Any, arguments: Sequence[Any], block: Block) -> Sequence[Any]:
    """Put the operations of a call in its place, and note what its derivatives are."""
    params, name = equation.params, equation.params.get("name", "")
    if name == DERIVATIVE:
        from kullback._core.differentiation import derivative_of  # which needs this module

        value, number = arguments
        return [derivative_of(value, number, block)]
    results = inlined(params.get("jaxpr") or params["call_jaxpr"], arguments, block)
    if equation.primitive.name.startswith("custom_"):  # by a rule that only JAX can apply
        name = equation.primitive.name
    if name in PARTIALS and len(arguments) != len(PARTIALS[name]):
        raise UntranslatableError(f"a derivative of {name} by JAX")
    if name in PARTIALS or name in _CALLS:
        detail = (name, tuple(arguments))
        return [operate(CALL, (result,), block, detail) for result in results]
    return results


def _converted(value: Value, old: Any, new: Any, block: Block) -> Value:
    if old == new:
        return value
    if isinstance(value, Constant):
        return Constant(value.value.astype(new))
    if new == np.float64:
        return operate("to_float", (value,), block)
    if new == np.int64 and old == np.int32:
        return value
    raise UntranslatableError(f"from {old} to {new}")


def operate(name: str, inputs: tuple[Value, ...], block: Block, detail: Any = None) -> Variable:
    """Add an operation to the outermost block that has its inputs, if it is not there yet."""
    variables = [v for v in inputs if isinstance(v, Variable)]
    home = block.at_depth(max((v.depth for v in variables), default=0))
    key = (name, detail, *(_identity(v) for v in inputs))
    if key not in home.known:
        nodes = any(isinstance(v, Constant) and v.value.ndim == 2 for v in inputs)
        rows = name != NODES_OF_ONE and (nodes or any(v.rows for v in variables))
        home.known[key] = Variable(rows, home.depth)
        home.operations.append(Operation(name, inputs, (home.known[key],), detail))
    return home.known[key]


def _identity(value: Value) -> Hashable:
    if isinstance(value, Variable):
        return value
    number = value.value
    return (number.dtype.str, number.tobytes()) if number.ndim == 0 else id(number)


def _while(params: Mapping[str, Any], arguments: Sequence[Value], block: Block) -> Sequence[Value]:
    first, second = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    of_condition, of_body = arguments[:first], arguments[first:second]
    start = arguments[second:]
    rows = [_of_rows(value) for value in start]
    while True:  # until no other carried value turns out to be one a row
        body = _loop_block(params["body_jaxpr"], params["body_nconsts"], block, rows=rows)
        condition = Block(body.depth, block, carried=body.carried)
        condition.results = tuple(
            inlined(params["cond_jaxpr"], [*of_condition, *body.carried], condition)
        )
        body.results = tuple(inlined(params["body_jaxpr"], [*of_body, *body.carried], body))
        found = [v.rows or _of_rows(r) for v, r in zip(body.carried, body.results, strict=True)]
        if found == [v.rows for v in body.carried]:
            return _loop("while", start, block, body, condition)
        rows = found


def _scan(params: Mapping[str, Any], arguments: Sequence[Value], block: Block) -> Sequence[Value]:
    first, second = params["num_consts"], params["num_consts"] + params["num_carry"]
    tables = arguments[second:]
    if params["reverse"] or len(params["jaxpr"].jaxpr.outvars) != params["num_carry"]:
        raise UntranslatableError("a loop that collects numbers")
    columns = [np.arange(params["length"])]
    for table in tables:
        if isinstance(table, Variable) or table.value.ndim != 1:
            raise UntranslatableError("a loop over an array")
        columns.append(table.value)
    rows = [_of_rows(value) for value in arguments[first:second]]
    body = _loop_block(params["jaxpr"], first, block, len(tables), rows)
    inputs = [*arguments[:first], *body.carried, *body.entries]
    body.results = tuple(inlined(params["jaxpr"], inputs, body))
    if any(_of_rows(r) and not v.rows for v, r in zip(body.carried, body.results, strict=True)):
        raise UntranslatableError("a number of all rows that becomes one a row")
    return _loop("repeat", arguments[first:second], block, body, None, columns)


def _of_rows(value: Value) -> bool:
    return isinstance(value, Variable) and value.rows


def _loop_block(
    closed: Any, constants: int, block: Block, tables: int = 0, rows: Sequence[bool] = ()
) -> Block:
    depth = block.depth + 1
    own = [_variable(v, depth) for v in closed.jaxpr.invars[constants:]]
    for place, one_a_row in enumerate(rows):
        if one_a_row:
            own[place] = Variable(rows=True, depth=depth)
    carried = len(own) - tables
    return Block(depth, block, carried=tuple(own[:carried]), entries=tuple(own[carried:]))


def _loop(
    name: str,
    start: Sequence[Value],
    block: Block,
    body: Block,
    condition: Block | None,
    detail: Any = None,
) -> Sequence[Value]:
    # where rows end their loops one by one, a count of the steps is one a row too
    each = condition is not None and _of_rows(condition.results[0])
    outputs = tuple(Variable(v.rows or each, block.depth) for v in body.carried)
    block.operations.append(Operation(name, tuple(start), outputs, detail, condition, body))
    return outputs


def _without_unused(block: Block) -> None:
    """Leave out the operations whose results are not needed, in a block and its loops."""
    needed: set[Value] = set(block.results)
    kept = []
    for operation in reversed(block.operations):
        if needed.isdisjoint(operation.outputs):
            continue
        kept.append(operation)
        for inner in (operation.condition, operation.body):
            if inner is not None:
                _without_unused(inner)
        needed |= used(operation)
    block.operations[:] = reversed(kept)


def outside(block: Block) -> set[Value]:
    """Return the values that a loop's block takes from around it."""
    inside: set[Value] = {*block.carried, *block.entries}
    taken: set[Value] = set(block.results)
    for operation in block.operations:
        taken |= used(operation)
        inside.update(operation.outputs)
    return taken - inside


def used(operation: Operation) -> set[Value]:
    """Return the values that an operation needs, those inside of its loop included."""
    blocks = [block for block in (operation.condition, operation.body) if block is not None]
    return set(operation.inputs).union(*(outside(block) for block in blocks))
