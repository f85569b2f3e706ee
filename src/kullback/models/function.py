"""A source that is the user's own function of columns and coefficients: nonlinear regression."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.domains import REAL, Domain, Interval, Reals
from kullback._core.equality import same
from kullback._core.errors import ModelError, did_you_mean
from kullback.models.source import Coefficient, Source

# The rows of the call that checks a function: a length that no array of coefficients has by chance.
ROWS = 7919


# The rows of the check of a function: numbers in which most functions differ.
_CHECKED = (0.5, 1.0, 2.0)


@final
class Function(Source):
    """A parameter that is a function of columns and coefficients, parameter_i = f(x_i; b).

    Args:
        f: the function. It is called by keyword, with vectors of rows for the columns and numbers
            or arrays for the coefficients, and returns one number a row. It is written with plain
            operators or ``jax.numpy``, as JAX takes its derivatives; NumPy's own functions have
            none. Its value must lie in the parameter's domain.
        start: a starting value for each coefficient, a number or an array, by name. Other sizes of
            these values are tried as well, and the best minimum is taken.
        columns: the columns of the other arguments: a list in their order, or a dict from argument
            to column. None: the columns have the arguments' names. Arguments with default values
            keep these unless they are named here.

    The estimates are ``fit.params["loc"]["b1"]``, in results by name ``"loc[b1]"``. Coefficients
    that f is linear in, given the others, are found, and their starting values do not matter.
    Source: G. H. Golub and V. Pereyra (1973), "The differentiation of pseudo-inverses and nonlinear
    least squares problems whose variables separate"; J. J. Moré (1978), "The Levenberg–Marquardt
    algorithm".

    Raises:
        ModelError: for a start or columns that do not agree with the function's arguments.

    Example:
        >>> import jax.numpy as jnp
        >>> import kullback as kl
        >>> data = {"t": [1.0, 2, 3, 5, 7, 10], "y": [109.0, 149, 149, 191, 213, 224]}
        >>> curve = kl.Function(lambda t, a, b: a * (1 - jnp.exp(-b * t)), start={"a": 1, "b": 1})
        >>> fit = kl.fit(kl.Normal(loc=curve), data, "y")
        >>> {name: round(value, 6) for name, value in fit.params["loc"].items()}
        {'a': 213.809409, 'b': 0.547237}
    """

    def __init__(
        self,
        f: Any,  # Any, so that all but a function is refused with a message
        start: Mapping[str, Any],
        columns: Sequence[str] | Mapping[str, str] | None = None,
    ) -> None:
        """Find the arguments that are columns."""
        if not callable(f):
            raise ModelError(f"kl.Function needs a function first, got {f!r}.")
        self.f, self.start = f, _start(start)
        self.arguments = _column_arguments(f, self.start, columns)
        self.columns = tuple(self.arguments.values())
        self.domain: Domain | None = None
        self.estimate: Vector | None = None

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and same(vars(self), vars(other))

    def __hash__(self) -> int:
        return hash(self.structure)

    def __repr__(self) -> str:
        """The function's name, and its coefficients."""
        name = getattr(self.f, "__name__", type(self.f).__name__)
        numbers = self.start if self.estimate is None else self.by_name(self.estimate)
        shown = ", ".join(f"{k}={np.asarray(v).tolist()!r}" for k, v in numbers.items())
        what = "start" if self.estimate is None else "estimate"
        return f"Function({name}, {what}=dict({shown}))"

    nonlinear: ClassVar[bool] = True
    named: ClassVar[bool] = True

    @property
    def structure(self) -> Hashable:
        """The function, its arguments and the domain."""
        shapes = tuple((name, v.shape) for name, v in self.start.items())
        domain = self.domain if isinstance(self.domain, Interval) else type(self.domain)
        fixed = self.estimate is not None
        return (Function, self.f, tuple(self.arguments.items()), shapes, domain, fixed)

    @property
    def labels(self) -> tuple[str, ...]:
        """A label for each number of the coefficients: b1, b2[0], b2[1], ..."""
        return tuple(
            name + "".join(f"[{i}]" for i in place)
            for name, value in self.start.items()
            for place in np.ndindex(value.shape)
        )

    def by_name(self, numbers: Any) -> dict[str, Any]:
        """Return the numbers of the coefficients by name, in the shapes of their starts."""
        ends = accumulate((v.size for v in self.start.values()), initial=0)
        out: dict[str, Any] = {}
        for (name, value), (begin, end) in zip(self.start.items(), pairwise(ends), strict=True):
            out[name] = numbers[begin:end].reshape(value.shape) if value.ndim else numbers[begin]
        return out

    def by_coefficient(self, numbers: Any) -> dict[str, Any]:
        """Return numbers, or pairs of them, by the name of the coefficient."""
        out: dict[str, Any] = {}
        begin = 0
        for name, value in self.start.items():
            own = numbers[begin : begin + value.size]
            begin += value.size
            shaped = own.reshape(value.shape + own.shape[1:])
            out[name] = shaped if shaped.ndim else float(shaped)
        return out

    def for_parameter(self, domain: Domain) -> Function:
        """Return it as the source of a parameter with that domain.

        Raises:
            ModelError: where a call of the function fails, or returns another shape than one number
                a row; the message shows the call.
        """
        if self.domain == domain:
            return self
        out = self._copy(domain=domain)
        out._probe()
        return out

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:  # noqa: ARG002
        """Return the numbers of the coefficients as one vector, by the parameter's name."""
        numbers = np.concatenate([v.ravel() for v in self.start.values()])
        labels, size = self.labels, Reals(len(self.labels))
        return (Coefficient(parameter, size, numbers, self.estimate, labels),)

    def starts_at(self, value: float | Vector) -> float | Vector:  # noqa: ARG002
        """Return the user's starting values."""
        return np.concatenate([v.ravel() for v in self.start.values()])

    def value(
        self,
        coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Call the function; NaN outside the parameter's domain, which no likelihood accepts."""
        numbers = coefficients[0] if len(self.labels) > 1 else coefficients[0][None]
        return self._of(self.by_name(numbers), row)

    def of_scalars(self, numbers: Sequence[Any], row: Mapping[str, Any]) -> Array:
        """Call the function with scalars of JAX; arrays of coefficients are arrays of objects."""
        objects = np.empty(len(numbers), dtype=object)
        for place, number in enumerate(numbers):  # at once, JAX would make an array of them
            objects[place] = number
        return self._of(self.by_name(objects), row)

    def _of(self, coefficients: Mapping[str, Any], row: Mapping[str, Any]) -> Array:
        value = jnp.asarray(self.f(**self._call(coefficients, row)))
        if not isinstance(self.domain, Interval) or self.domain == REAL:
            return value
        low, high = self.domain.lower, self.domain.upper
        above = value >= low if self.domain.holds_lower else value > low
        below = value <= high if self.domain.holds_upper else value < high
        return jnp.where(above & below, value, jnp.nan)

    def fixed_at(self, values: Sequence[Vector]) -> Function:
        """Return the function with these coefficients."""
        return self._copy(estimate=values[0])

    def check(self) -> Vector:
        """The values at a few made-up rows, by which another function is recognised."""
        numbers = self.coefficients("", REAL)[0]
        at = numbers.start if numbers.value is None else numbers.value
        assert at is not None
        with float64():
            row = {c: jnp.asarray(_CHECKED) / (i + 1.0) for i, c in enumerate(self.columns)}
            value = self._of(self.by_name(jnp.asarray(at)), row)
            return np.ravel(np.broadcast_to(value, (len(_CHECKED), *value.shape[1:])))

    def _call(self, coefficients: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call."""
        return {**{a: row[column] for a, column in self.arguments.items()}, **coefficients}

    def _copy(self, **changes: Any) -> Function:
        out = object.__new__(Function)
        vars(out).update(vars(self) | changes)
        return out

    def _probe(self) -> None:
        """Call the function with rows and coefficients of the right shapes, without numbers."""
        kind: Any = jax.ShapeDtypeStruct
        row = {column: kind((ROWS,), np.float64) for column in self.columns}
        numbers = {name: kind(v.shape, np.float64) for name, v in self.start.items()}
        arguments = self._call(numbers, row)
        size = 1 if self.domain is None else self.domain.size
        right = ((), (ROWS,)) if size == 1 else ((size,), (ROWS, size))
        needs = "one number a row" if size == 1 else f"{size} numbers a row"
        check_call("kl.Function", self.f, arguments, right, needs)


def check_call(
    what: str,
    f: Callable[..., Any],
    arguments: Mapping[str, Any],
    right: Sequence[tuple[int, ...]],
    needs: str,
) -> None:
    """Trace a call of a user's function.

    Args:
        what: what it is, for messages.
        f: the function.
        arguments: the shape of each argument, by name; a vector of rows has ``ROWS`` numbers.
        right: the shapes that the value may have.
        needs: the same, as a text.

    Raises:
        ModelError: where the call fails or its value has another shape.
    """
    name = getattr(f, "__name__", type(f).__name__)
    shown = ", ".join(f"{k}={_described(v.shape)}" for k, v in arguments.items())
    call = f"{'f' if name == '<lambda>' else name}({shown})"
    try:
        with float64():
            out = jax.eval_shape(lambda a: jnp.asarray(f(**a)), dict(arguments))
    except jax.errors.TracerArrayConversionError:
        raise ModelError(
            f"{what}: the call {call} uses a function of NumPy, which cannot be differentiated. "
            "Write jnp.exp for np.exp, and so on, after import jax.numpy as jnp."
        ) from None
    except (jax.errors.ConcretizationTypeError, jax.errors.NonConcreteBooleanIndexError):
        raise ModelError(
            f"{what}: the call {call} decides by the value of an argument (if, float(), a mask), "
            "which has no derivative. Use jnp.where(condition, a, b)."
        ) from None
    except Exception as error:
        text = str(error).strip().splitlines() or [""]
        raise ModelError(
            f"{what}: the call {call} failed: {type(error).__name__}: {text[0][:200]}"
        ) from error
    if out.shape not in right:
        raise ModelError(
            f"{what}: the call {call} returns {_described(out.shape)}; it must return {needs}."
        )


def _described(shape: tuple[int, ...]) -> str:
    if shape == ():
        return "a number"
    sizes = ", ".join("rows" if n == ROWS else str(n) for n in shape)
    return f"array of shape ({sizes}{',' if len(shape) == 1 else ''})"


def _start(start: Any) -> dict[str, Vector]:
    if not isinstance(start, Mapping) or not start:
        raise ModelError(
            'kl.Function needs starting values by name, such as start={"b1": 1.0, "b2": 0.5}, got '
            f"{start!r}."
        )
    out: dict[str, Vector] = {}
    for name, value in start.items():
        try:
            out[name] = np.array(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise ModelError(f"the start of {name} must be numbers, got {value!r}.") from None
        if not out[name].size or not np.isfinite(out[name]).all():
            raise ModelError(f"the start of {name} must be finite numbers, got {value!r}.")
        out[name].flags.writeable = False
    return out


def _column_arguments(
    f: Callable[..., Any], start: Mapping[str, Vector], columns: Any
) -> dict[str, str]:
    """Return the column of each argument of f that is not a coefficient."""
    try:
        signature = inspect.signature(f).parameters
    except (TypeError, ValueError):
        raise ModelError(f"the arguments of {f!r} cannot be read: wrap it in a lambda.") from None
    shown = f"f({', '.join(map(str, signature.values()))})"
    any_name = any(p.kind is p.VAR_KEYWORD for p in signature.values())
    named = {
        p.name: p.default is not p.empty
        for p in signature.values()
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    for name in start:
        if name not in named and not any_name:
            hint = did_you_mean(name, named)
            raise ModelError(
                f"start has {name!r}, which is not an argument of {shown}{hint or '.'}"
            )
    others = [name for name in named if name not in start]
    needed = [name for name in others if not named[name]]
    if columns is None:
        given = dict.fromkeys(needed)
    elif isinstance(columns, Mapping):
        given = {**dict.fromkeys(needed), **columns}
    else:
        listed = [columns] if isinstance(columns, str) else list(columns)
        if any_name:
            others += listed[len(others) :]
        given = dict(zip(others, listed, strict=False))
        if len(listed) > len(others) or not set(needed) <= set(given):
            raise ModelError(
                f"columns={listed} must name a column for each argument of {shown} that has no "
                f"start: {', '.join(others) or 'there is none'}."
            )
    for name in given:
        if name in start or (name not in named and not any_name):
            raise ModelError(
                f"columns has {name!r}, which is not an argument of {shown} without a start."
            )
    if not given:
        raise ModelError(
            f"{shown} reads no column: every argument has a start. kl.Function is for parameters "
            "that depend on the row."
        )
    return {name: name if column is None else str(column) for name, column in given.items()}
