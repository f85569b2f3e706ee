"""A model that is the user's own log-density."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.domains import COUNTS, POSITIVE, REAL, UNIT, Domain, Interval
from kullback._core.errors import ModelError
from kullback.models.function import ROWS, check_call
from kullback.models.model import Model
from kullback.models.source import Fixed, Free, Param, Source, as_source
from kullback.models.tails_by_quadrature import log_tails
from kullback.special.shared import within_pass
from kullback.special.tail_integrals import log_mass_above, log_mass_below

_SUPPORTS: Mapping[str, Interval] = {
    "real": REAL,
    "positive": POSITIVE,
    "unit": UNIT,
    "counts": COUNTS,
}

# For so many parameters every combination of starting values is looked at, on so many rows, and so
# many of the best are followed.
_FEW, _LOOKED_AT, _TRIED = 2, 256, 3

# The made-up rows at which two functions are compared.
_CHECKED = np.array([0.7, 1.3, 2.9])


@final
@dataclass(frozen=True)
class Column(Source):
    """A known number of each row, from a column.

    Attributes:
        column: its name.
    """

    column: str

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # one
        """The column."""
        return (self.column,)

    def value(
        self,
        _coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Return the column."""
        return row[self.column]


# The search for the mode ends after so many turns at the latest.
_TURNS = 50


@final
class LogDensity(Model):
    """The distribution with the log-density f(y, ..., parameters), a function of the user's.

    Args:
        f: log q(y; parameters), for counts the log-probability, with every constant, so that it
            integrates (or sums) to 1: only then is the maximum an estimate. It is called by keyword
            with vectors of rows for the columns and numbers (of sources with columns: vectors) for
            the parameters, and returns one number a row. It is written with plain operators or
            ``jax.numpy``.
        parameters: by name, a source: None for a free number, ``kl.Param(...)`` with bounds and a
            starting value, a number for a fixed one, ``kl.Function(...)``. Without a starting value
            some are tried that are derived from the data.
        columns: the arguments of f that are read from the data: the first is the outcome, whatever
            its column is called, the others are columns of the same name. By default the first
            argument of f alone.
        support: of the outcomes: None or "real", "positive", "unit" for (0, 1), "counts", a pair of
            ends that belong to it, None for none, or a ``range`` of whole numbers. Outcomes outside
            it are refused.
        cdf: whether to add up the density for the distribution function, which censored and
            truncated rows and quantiles need; f must then be elementwise.

    ``total_probability()`` of a fitted model checks that f integrates to 1.

    Raises:
        ModelError: where a call of f fails or has another shape; the message shows the call.

    Example:
        >>> import jax.numpy as jnp
        >>> import kullback as kl
        >>> def f(y, rate):
        ...     return jnp.log(rate) - rate * y
        >>> model = kl.LogDensity(f, {"rate": kl.Param(lower=0.0)}, support="positive")
        >>> fit = kl.fit(model, [0.5, 1.5, 1.0])
        >>> round(fit.params["rate"], 9), round(fit.model.total_probability(), 9)
        (1.0, 1.0)
    """

    def __init__(
        self,
        f: Any,  # Any, so that all but a function is refused with a message
        parameters: Mapping[str, Any],
        columns: Sequence[str] | None = None,
        support: Any = None,
        *,
        cdf: bool = False,
    ) -> None:
        """Check the call of f."""
        if not callable(f):
            raise ModelError(f"kl.LogDensity needs a function first, got {f!r}.")
        if columns is None:
            columns = _first_argument(f, parameters)
        listed = [columns] if isinstance(columns, str) else list(columns)
        if not listed or len(set(listed)) < len(listed):
            raise ModelError(f"columns={listed} must name the outcome and the other columns once.")
        both = [name for name in listed if name in parameters]
        if both:
            raise ModelError(f"{both[0]!r} cannot be both a column and a parameter.")
        self.f, self.cdf_by_quadrature = f, cdf
        self.outcome_argument, *self.covariates = listed
        self.support = _support(support)
        own = {n: as_source(n, source).for_parameter(REAL) for n, source in parameters.items()}
        self.sources: Mapping[str, Source] = {**own, **{n: Column(n) for n in self.covariates}}
        self._read_sources(self.sources)  # refuses ties that lead nowhere
        kind: Any = jax.ShapeDtypeStruct
        arguments = {name: kind((ROWS,), np.float64) for name in listed}
        arguments |= {n: kind((ROWS,) if s.columns else (), np.float64) for n, s in own.items()}
        check_call("kl.LogDensity", f, arguments, [(ROWS,)], "one number a row")

    @property
    def name(self) -> str:
        """The name in messages and reports."""
        return f"LogDensity({getattr(self.f, '__name__', type(self.f).__name__)})"

    @property
    def parameters(self) -> Mapping[str, Domain]:
        """The parameters, any real numbers, and the columns beside the outcome."""
        return dict.fromkeys(self.sources, REAL)

    @property
    def structure(self) -> Hashable:
        """The function, its arguments and the sources."""
        own = (self.f, self.outcome_argument, self.support, self.cdf_by_quadrature)
        return (*super().structure, *own)  # type: ignore[misc]  # a tuple

    def with_sources(self, sources: Mapping[str, Source]) -> LogDensity:
        """Return the same model with other sources."""
        out = object.__new__(LogDensity)
        vars(out).update(vars(self) | {"sources": dict(sources)})
        return out

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Call the function; −inf outside the support."""
        s = self.support
        above = x >= s.lower if s.holds_lower else x > s.lower
        below = x <= s.upper if s.holds_upper else x < s.upper
        inside = above & below & jnp.isfinite(x)
        inside = inside & (x == jnp.floor(x)) if s.whole else inside
        # outside, a possible outcome is substituted, so that derivatives do not become NaN
        value = self.row_log_density_inside(jnp.where(inside, x, s.interior), parameters)
        return jnp.where(inside, value, jnp.where(jnp.isnan(x), jnp.nan, -jnp.inf))

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Call the function."""
        value: Array = self.f(**{self.outcome_argument: x}, **parameters)
        return value

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome ≤ ``x``, by quadrature."""
        return self.row_log_tails(x, parameters)[0]

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``, by quadrature."""
        return self.row_log_tails(x, parameters)[1]

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Both, by quadrature."""
        if not self.cdf_by_quadrature:
            raise ModelError(
                f"{self.name} does not provide its distribution function, which censored and "
                "truncated rows need: kl.LogDensity(..., cdf=True) adds up the density."
            )
        if within_pass() and not self.support.whole:
            return log_tails(self, x, parameters, self._centre)
        below, above = log_mass_below, log_mass_above
        return (
            self._tail(x, parameters, below, above, x < self._centre),
            self._tail(x, parameters, above, below, x >= self._centre),
        )

    def _tail(
        self,
        x: Array,
        parameters: Mapping[str, Array],
        own: Callable[..., Array],
        other: Callable[..., Array],
        far: Array,
    ) -> Array:
        def log_density(at: Array) -> Array:
            return self.row_log_density(at, parameters)

        # the larger one from the smaller, which has all its digits: far from the mode the nodes
        # miss the mass on the mode's side. So far that both are nothing the point's side decides
        this, that = own(log_density, x, self.support), other(log_density, x, self.support)
        small = (this < that) | ((this == that) & far)
        return jnp.where(small, this, jnp.log1p(-jnp.exp(jnp.where(small, -1.0, that))))

    def total_probability(self) -> float:
        """The integral of the density over the support, or the sum of the probabilities.

        It is 1 for a log-density with all its constants. Not for models with other columns.

        Raises:
            ModelError: while a parameter is free, or with other columns than the outcome.
        """
        numbers = self.params
        with float64():
            values = {name: jnp.asarray(v) for name, v in numbers.items()}
            middle = jnp.asarray(self._middle())

            def log_density(at: Array) -> Array:
                return self.row_log_density(at, values)

            low = log_mass_below(log_density, middle, self.support)
            high = log_mass_above(log_density, middle, self.support)
            return float(jnp.exp(low) + jnp.exp(high))

    def check(self) -> Vector:
        """The values at a few made-up rows, by which another function is recognised."""
        s = self.support
        points = s.lower + np.arange(3.0) if s.whole else np.asarray(s.constrained(_CHECKED))
        rows: dict[str, Any] = {}
        for i, (name, source) in enumerate(self.sources.items()):
            number = source.number if isinstance(source, Fixed) else _inner(source)
            rows[name] = _CHECKED / (i + 1.0) if source.columns else np.float64(number)
        with float64(), np.errstate(all="ignore"):
            values = self.f(
                **{self.outcome_argument: jnp.asarray(points)},
                **{name: jnp.asarray(value) for name, value in rows.items()},
            )
            return np.array(jnp.broadcast_to(values, points.shape))

    @property
    def _centre(self) -> float:
        """A number inside the support, 0 where that is."""
        return min(max(0.0, self.support.lower), self.support.upper)

    def _middle(self) -> float:
        """An outcome of high density, to add up on either side of it."""
        s = self.support
        if s.whole:
            return self._best(s.lower + np.arange(0.0, min(1024.0, s.upper - s.lower + 1.0)))
        if math.isfinite(s.width):
            return self._best(np.linspace(s.lower, s.upper, 401)[1:-1])
        sizes = np.logspace(-12, 12, 400)
        around = np.concatenate([-sizes, [0.0], sizes])
        middle = self._best(self._centre + around)
        for _ in range(_TURNS):  # each time at distances of all sizes from the best one
            nearer = self._best(middle + around)
            if nearer == middle:
                break
            middle = nearer
        return middle

    def _best(self, points: Vector) -> float:
        points = points[self.support.contains(points)]
        # where the user's function has no value, it has no high one
        values = np.nan_to_num(np.asarray(self.log_density(points)), nan=-np.inf)
        return float(points[int(np.argmax(values))])

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return starting values: inside the bounds, the mean and the deviation of the data."""
        mean = float(np.average(values, weights=weights))
        spread = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
        free = [n for n in self.sources if n not in self.covariates]
        tried: list[dict[str, float]] = []
        inner = {n: _inner(self.sources[n]) for n in free}
        sizes = (mean, spread)
        if len(free) <= _FEW:
            choices = [(inner[n], *sizes) for n in free]
            tried += [dict(zip(free, chosen, strict=True)) for chosen in product(*choices)]
        else:
            tried += [inner, *(dict.fromkeys(free, size) for size in sizes)]
        if self.columns:
            return tried[:_TRIED]
        losses = [self._loss(start, values[:_LOOKED_AT]) for start in tried]
        return [tried[i] for i in np.argsort(losses, kind="stable")[:_TRIED]]

    def _loss(self, start: Mapping[str, float], values: Vector) -> float:
        """The mean loss at starting values, inf where they lie outside their bounds."""
        own = {n: self._at_start(n, number) for n, number in start.items()}
        model = self.with_sources({**self.sources, **own})
        try:
            loss = -float(np.mean(model.log_density(values)))
        except ModelError:  # a number outside its bounds, or a parameter tied to none of them
            return math.inf
        return loss if math.isfinite(loss) else math.inf

    def _at_start(self, name: str, number: float) -> Source:
        source = self.sources[name]
        if isinstance(source, Param):
            number = number if source.start is None else source.start
            low = -math.inf if source.lower is None else source.lower
            high = math.inf if source.upper is None else source.upper
            return Fixed(number) if low < number < high else source
        return Fixed(number) if isinstance(source, Free) else source


def _first_argument(f: Callable[..., Any], parameters: Mapping[str, Any]) -> str:
    """The name of the first argument that is not a parameter, to be passed by keyword."""
    try:
        arguments = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # some callables have no signature
        return "y"
    named = (a.name for a in arguments if a.kind in (a.POSITIONAL_OR_KEYWORD, a.KEYWORD_ONLY))
    return next((name for name in named if name not in parameters), "y")


def _inner(source: Source) -> float:
    """A number inside the bounds of a parameter."""
    lower = source.lower if isinstance(source, Param) and source.lower is not None else -math.inf
    upper = source.upper if isinstance(source, Param) and source.upper is not None else math.inf
    if math.isinf(lower) and math.isinf(upper):
        return 0.0
    return Interval(lower, upper).interior


def _support(support: Any) -> Interval:
    if support is None:
        return REAL
    if isinstance(support, str) and support in _SUPPORTS:
        return _SUPPORTS[support]
    if isinstance(support, Interval):
        return support
    if isinstance(support, range) and support.step == 1 and len(support) > 1:
        ends = float(support.start), float(support.stop - 1)
        return Interval(*ends, holds_lower=True, holds_upper=True, whole=True)
    if isinstance(support, tuple | list) and len(support) == 2:
        lower = -math.inf if support[0] is None else float(support[0])
        upper = math.inf if support[1] is None else float(support[1])
        if lower < upper:
            closed = math.isfinite(lower), math.isfinite(upper)
            return Interval(lower, upper, holds_lower=closed[0], holds_upper=closed[1])
    raise ModelError(
        f"support={support!r} must be None, one of {', '.join(map(repr, _SUPPORTS))}, two ends in "
        "order, or a range of whole numbers, such as range(0, 11)."
    )
