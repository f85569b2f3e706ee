"""A model whose parameters differ by row: its functions, moments, quantiles and draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE
from kullback._core.errors import ModelError
from kullback.models.cut_moments import cut_moments
from kullback.models.draws import inner_uniforms, rounded_inside
from kullback.models.family import Family
from kullback.models.interpolation import interpolated
from kullback.models.inversion import find_row_quantiles
from kullback.models.mixture import WEIGHTS, Mixture
from kullback.models.model import Model
from kullback.models.row_evaluation import over_rows
from kullback.models.row_functions import NOT_PROVIDED
from kullback.models.shifted import Shifted
from kullback.models.source import Fixed, Free
from kullback.models.truncated import Truncated
from kullback.models.zero_inflated import Hurdle, ZeroInflated

Places = NDArray[np.intp]

TRIALS = "trials"
"""The parameter that is the largest possible count, where each row may have its own."""


@final
@dataclass(frozen=True, eq=False)
class RowWise:
    """The parameters of some rows, none of which is NaN, and what follows from them.

    Points are evaluated one after the other, each with the parameters of its row: ``place`` says
    which row that is, None that there is one point a row.

    Attributes:
        form: the model, with free sources, so that its code does not depend on where numbers come
            from.
        parameters: by name, shape (rows,) or (rows, K), without the first axis where all rows are
            equal.
        varying: the names of those that have it.
        count: the number of rows.
    """

    form: Model
    parameters: Mapping[str, Vector]
    varying: frozenset[str]
    count: int

    @classmethod
    def of(
        cls, model: Model, parameters: Mapping[str, Vector], varying: frozenset[str], count: int
    ) -> RowWise:
        """Take the parameters of a model that has other sources."""
        sources = {n: s if isinstance(s, Fixed) else Free() for n, s in model.sources.items()}
        form = model.with_sources(sources)
        return cls(form, parameters, varying, count)

    def part(self, prefix: str, model: Model | None = None) -> RowWise:
        """Return a part of a composite, or another model with the part's parameters."""
        form: Any = self.form
        own = form.of_part(prefix, self.parameters)
        varying = frozenset(n for n in own if prefix + n in self.varying)
        return RowWise(form.parts[prefix] if model is None else model, own, varying, self.count)

    # ---- evaluation ------------------------------------------------------------------------

    @cached_property
    def _columns_and_numbers(self) -> tuple[list[Vector], list[float]]:
        columns: list[Vector] = []
        numbers: list[float] = []
        for name in self.form.parameters:
            value = self.parameters[name]
            if name in self.varying:
                columns += [np.ascontiguousarray(v) for v in value.reshape(self.count, -1).T]
            else:
                numbers += value.ravel().tolist()
        return columns, numbers

    def _from(self, columns: Sequence[Array], numbers: Sequence[Array]) -> dict[str, Array]:
        """Return the parameters by name of these columns and numbers."""
        taken = {True: iter(columns), False: iter(numbers)}
        out = {}
        for name, domain in self.form.parameters.items():
            own = [next(taken[name in self.varying]) for _ in range(domain.size)]
            out[name] = own[0] if domain.size == 1 else jnp.stack(own, -1)
        return out

    def apply(
        self,
        what: Hashable,
        f: Callable[[Array, Mapping[str, Array]], Sequence[Array]],
        x: Vector,
        place: Places | None = None,
    ) -> list[Vector]:
        """Evaluate functions of a point and the parameters, elementwise in JAX.

        Args:
            what: names the functions, for the cache of their code.
            f: the functions.
            x: the points, shape (points,).
            place: the row of each point.
        """
        columns, numbers = self._columns_and_numbers
        count = len(columns)

        def take(points: slice) -> list[Vector]:
            rows: Any = points if place is None else place[points]
            return [x[points], *(column[rows] for column in columns)]

        def formula(at: Array, *inputs: Array) -> Sequence[Array]:
            return f(at, self._from(inputs[:count], inputs[count:]))

        names = tuple(n for n in self.form.parameters if n in self.varying)
        return over_rows((what, self.form.structure, names), formula, x.size, take, numbers)

    def hook(self, name: str, x: Vector, place: Places | None = None) -> Vector:
        """Evaluate one of the model's functions of a row, such as ``row_log_density``."""
        if not x.size:
            return np.zeros(0)
        if name in ("row_log_cdf", "row_log_survival"):
            return self.tails(x, place)[name == "row_log_survival"]
        (found,) = self.apply(name, lambda at, own: [getattr(self.form, name)(at, own)], x, place)
        return found

    def tails(self, x: Vector, place: Places | None = None) -> Sequence[Vector]:
        """Log-probabilities of outcomes ≤ x and > x."""
        return self.apply("tails", lambda at, own: self.form.row_log_tails(at, own), x, place)

    # ---- moments ---------------------------------------------------------------------------

    def mean(self) -> Vector:
        """The mean of each row, shape (rows,)."""
        return self._moments("mean")[0]

    def variance(self) -> Vector:
        """The variance of each row, shape (rows,)."""
        return self._moments("variance")[1]

    def _moments(self, which: str) -> tuple[Vector, Vector]:
        """Mean and variance, or the mean alone and anything."""
        form: Any = self.form
        both = which == "variance"
        if not self.count:
            return np.zeros(0), np.zeros(0)
        if isinstance(form, Shifted):
            mean, variance = self.part("")._moments(which)
            return mean + self.parameters["loc"], variance
        if isinstance(form, ZeroInflated | Hurdle):
            p = self.parameters["zero_probability"]
            mean, variance = self.part("", form.counts)._moments(which)
            return (1.0 - p) * mean, (1.0 - p) * (variance + p * mean * mean)
        if isinstance(form, Mixture):
            weights = self.parameters[WEIGHTS]
            own = [self.part(prefix)._moments(which) for prefix in form.parts]
            means, variances = (np.stack(v, axis=-1) for v in zip(*own, strict=True))
            mean = np.sum(weights * means, axis=-1)
            between = (means - mean[:, None]) ** 2
            return mean, np.sum(weights * (variances + between), axis=-1)
        if isinstance(form, Truncated) and _without_zero(form):
            return self._without_zero(which)
        try:
            mean = self._formula("mean")
            return mean, self._formula("variance") if both else mean
        except ModelError as error:
            if error.reason != NOT_PROVIDED:
                raise
        except TypeError:  # it is an integral, whose nodes JAX cannot combine with rows
            pass
        if isinstance(form, Truncated):
            found = self._by_interpolation() or self._by_quadrature()
            if found is not None:
                return self._completed(*found)
        mean = self._one_by_one(lambda model: model.mean())
        return mean, self._one_by_one(lambda model: model.variance()) if both else mean

    def _by_quadrature(self) -> tuple[Vector, Vector] | None:
        """Mean and variance of a cut distribution; None where a tail may be heavy."""
        return cut_moments(
            lambda x, rows: self.hook("row_log_density", x, rows),
            self.quantiles,
            self.count,
            self.fixed(0),
        )

    def _by_interpolation(self) -> tuple[Vector, Vector] | None:
        """Mean and variance of many rows that differ in one parameter, from those at some values.

        Returns:
            None where they are not found to nearly all digits.
        """
        (name, *others), s = list(self.varying) or [""], self.form.support
        if others or not name or self.parameters[name].ndim > 1 or not math.isfinite(s.lower):
            return None
        x = self.parameters[name]
        positive = self.form.parameters[name] == POSITIVE

        def at(values: Vector) -> list[Vector] | None:
            own = {**self.parameters, name: np.exp(values) if positive else values}
            found = RowWise(self.form, own, self.varying, values.size)._by_quadrature()
            if found is None:
                return None
            # the logarithms of numbers above 0, whose relative errors are then alike
            return [np.log(found[0] - s.lower), np.log(found[1])]

        logs = interpolated(at, np.log(x) if positive else x)
        return None if logs is None else (s.lower + np.exp(logs[0]), np.exp(logs[1]))

    def _completed(self, mean: Vector, variance: Vector) -> tuple[Vector, Vector]:
        """Fill in, row by row, the moments that the quadrature of all rows did not find."""
        for row in np.flatnonzero(np.isnan(mean)):
            model = self.fixed(int(row))
            mean[row], variance[row] = model.mean(), model.variance()
        return mean, variance

    def _formula(self, which: Any) -> Vector:
        def f(_: Array, own: Mapping[str, Array]) -> Sequence[Array]:
            return [jnp.asarray(self.form.moment(which, own))]

        (found,) = self.apply(which, f, np.zeros(self.count))
        return found

    def _without_zero(self, which: str) -> tuple[Vector, Vector]:
        """Of counts without zero, from the moments of all counts."""
        base = self.part("")
        mean, variance = base._moments(which)
        log_zero = base.hook("row_log_density", np.zeros(self.count))
        kept, zero = -np.expm1(log_zero), np.exp(log_zero)
        return mean / kept, (variance - mean * mean * zero / kept) / kept

    def _one_by_one(self, f: Callable[[Model], float]) -> Vector:
        """A quantity of every row's distribution, computed once for equal rows."""
        columns, _ = self._columns_and_numbers
        if not columns:
            return np.full(self.count, f(self.fixed(0)))
        _, first, back = np.unique(
            np.stack(columns, axis=1), axis=0, return_index=True, return_inverse=True
        )
        values = np.array([f(self.fixed(int(i))) for i in first])
        return np.asarray(values[back.reshape(-1)])

    def fixed(self, row: int) -> Model:
        """Return the distribution of one row."""
        numbers = {
            name: value[row] if name in self.varying else value
            for name, value in self.parameters.items()
        }
        return self.form.with_sources({name: Fixed(number) for name, number in numbers.items()})

    # ---- quantiles and draws ---------------------------------------------------------------

    def quantiles(self, u: Vector, place: Places | None = None) -> Vector:
        """Quantiles at one level a point, by the model's formula, else by a search."""
        if not u.size:
            return np.zeros(0)
        if isinstance(self.form, Shifted):
            loc = self.parameters["loc"]
            shift = loc[slice(None) if place is None else place] if loc.ndim else loc
            return self.part("").quantiles(u, place) + shift
        try:
            return self.hook("row_quantile", u, place)
        except ModelError as error:
            if error.reason != NOT_PROVIDED:
                raise

        def tails(x: Vector, where: Places) -> Sequence[Vector]:
            return self.tails(x, where if place is None else place[where])

        found = find_row_quantiles(u, tails, self.form.support)
        if TRIALS in self.varying:
            found = np.minimum(
                found, self.parameters[TRIALS][slice(None) if place is None else place]
            )
        return found

    def draw(self, generator: np.random.Generator, n: int) -> Vector:
        """Draw outcomes, shape (n, rows)."""
        form: Any = self.form
        shape = (n, self.count)
        if isinstance(form, Shifted):
            return self.part("").draw(generator, n) + self.parameters["loc"]
        if isinstance(form, ZeroInflated | Hurdle):
            zero = generator.random(shape) < self.parameters["zero_probability"]
            return np.where(zero, 0.0, self.part("", form.counts).draw(generator, n))
        if isinstance(form, Mixture):
            ends = np.cumsum(self.parameters[WEIGHTS], axis=-1)
            # u < 1 keeps the product below the last sum, even if that sum is rounded
            u = generator.random(shape) * ends[..., -1]
            which = np.sum(u[..., None] >= ends, axis=-1)
            chosen: Vector = np.choose(which, [self.part(p).draw(generator, n) for p in form.parts])
            return chosen
        drawn = self._drawn_by_family(generator, shape) if isinstance(form, Family) else None
        if drawn is None:
            u = inner_uniforms(generator, shape)
            rows = np.tile(np.arange(self.count), n)
            drawn = self.quantiles(u.ravel(), rows).reshape(shape)
        return rounded_inside(drawn, form.support)

    def defaults(self) -> dict[str, Vector]:
        """Return the default parameters of a family at each row."""
        form: Any = self.form
        names = tuple(form.default_parameters)

        def f(_: Array, own: Mapping[str, Array]) -> Sequence[Array]:
            converted = form.to_default(own)
            return [jnp.asarray(converted[name]) for name in names]

        found = self.apply("default parameters", f, np.zeros(self.count))
        return dict(zip(names, found, strict=True))

    def _drawn_by_family(
        self, generator: np.random.Generator, shape: tuple[int, int]
    ) -> Vector | None:
        """Draw by the family's method; None where it has none, or one of single numbers alone."""
        form: Any = self.form
        if form._draw is None or not self.count:
            return None
        numbers: dict[str, Any] = self.defaults()
        if self.count == 1 or not self.varying:
            numbers = {name: float(v[0]) for name, v in numbers.items()}
        try:
            with np.errstate(all="ignore"):
                drawn = form._draw(generator, shape, **numbers)
        except (TypeError, ValueError):  # it decides by the value of a parameter, or uses math
            return None
        return np.asarray(drawn, dtype=np.float64)


def _without_zero(form: Truncated) -> bool:
    """Whether the cut leaves out the count 0 alone."""
    s, lower, upper = form.base.support, form.settings["lower"], form.settings["upper"]
    first = math.ceil(lower) if lower is not None else 0
    return s.whole and s.lower == 0.0 and first == 1 and upper is None


def row_of_points(rows: int, m: int) -> Places:
    """Return the row of each of m points a row, in the order of a raveled (rows, m) array."""
    return np.repeat(np.arange(rows), m)
