"""Starting values of the user's functions, and coordinates in which their coefficients are solved.

Where the best value of the parameter for a row is the row's outcome, as that of a mean or of a
location is, the coefficients start at the least-squares fit of the function to the outcomes, and
the other parameters at values that suit its residuals. Solvers then move along vectors in which the
slopes of the function are uncorrelated: the coefficients of a polynomial of degree 10 are so
correlated that their second derivatives are rounding alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.domains import Reals
from kullback._core.spanned import Spanned
from kullback.data.observation import Exact
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Coefficient, Fixed
from kullback.objective.first_pass import FOR_STARTS, FirstPass
from kullback.objective.nonlinear import Nonlinear, nonlinear_source
from kullback.objective.starting_values import points_from
from kullback.solvers.least_squares import LeastSquares, refined

# Singular values below this part of the largest are rounding: the coefficients are not identified.
_RANK = 1e-13

# An entry of a unit vector that is at least so large names a coefficient.
_LARGE = 0.1

# Residuals of at most this many times their rounding are rounding.
_PERFECT = 8.0

# They are so small besides, relative to the spread of the outcomes: large coefficients that cancel
# have a large rounding too.
_TINY = 1e-8

# The loss of a row beside the best value of a parameter, at this relative distance on either side,
# differs by less than this part of its rise: of the third derivative a step of 1e-3 leaves so much.
_STEP, _SYMMETRIC = 1e-3, 0.02

# Powers of ten by which the starts of a function are scaled that is not fitted by least squares.
_POWERS = (1, -1, 2, -2, 3, -3)


@final
@dataclass(frozen=True, eq=False)
class FunctionStarts:
    """Where to start, and in which coordinates.

    Attributes:
        vector: the coefficients, those of functions along their vectors.
        points: starting points on the unconstrained scale.
        scaled: others, with functions that were not fitted to the outcomes at other sizes.
        improved: whether other starting values than the user's led to a better fit.
        rounding: of the functions' values, as a root mean square.
        perfect: the parameters that are fitted up to rounding in every row.
        unidentified: the coefficients that the rows do not determine.
    """

    vector: ParameterVector
    points: tuple[Vector, ...]
    scaled: tuple[Vector, ...]
    improved: bool
    rounding: float
    perfect: tuple[str, ...]
    unidentified: tuple[str, ...]


def function_starts(
    model: Model,
    vector: ParameterVector,
    known: FirstPass,
    near: Mapping[str, Vector] | None = None,
) -> FunctionStarts | None:
    """Find starting values and coordinates for the functions of a model; None without free ones.

    Args:
        model: the model.
        vector: its coefficients.
        known: the results of the first pass.
        near: values of all coefficients near the minimum, which are kept; None to find them.
    """
    rows = _Rows.of(model, known)
    functions = [
        _Function(c, nonlinear_source(model, c.name, [True] * c.domain.size), rows)
        for c in vector.free
        if c.name in model.nonlinear and isinstance(c.domain, Reals)
    ]
    if not functions:
        return None
    fitted = [f.fitted(near, _is_centre(model, f, rows)) for f in functions]
    spans = [f.span(own.at) for f, own in zip(functions, fitted, strict=True)]
    domains = {
        f.coefficient.name: Spanned(own.at, span.basis)
        for f, own, span in zip(functions, fitted, spans, strict=True)
    }
    coefficients = tuple(
        replace(c, domain=domains[c.name], start=domains[c.name].centre) if c.name in domains else c
        for c in vector.coefficients
    )
    spanned = replace(vector, coefficients=coefficients)
    scaled: list[Vector] = []
    if near is not None:
        points = [spanned.unconstrained({**near, **{n: d.centre for n, d in domains.items()}})]
    else:
        points = list(_points(model, spanned, rows, fitted))
        for power in _POWERS if any(own.value is None for own in fitted) else ():
            centres = {n: d.centre for n, d in domains.items()}
            centres |= {
                f.coefficient.name: 10.0**power * own.at
                for f, own in zip(functions, fitted, strict=True)
                if own.value is None
            }
            of_all = spanned.split(spanned.constrained(points[0]))
            scaled.append(spanned.unconstrained({**of_all, **centres}))
    return FunctionStarts(
        spanned,
        tuple(points),
        tuple(scaled),
        any(own.improved for own in fitted),
        max(own.rounding for own in fitted),
        tuple(f.coefficient.name for f, own in zip(functions, fitted, strict=True) if own.perfect),
        tuple(name for span in spans for name in span.unidentified),
    )


@final
@dataclass(frozen=True, eq=False)
class _Rows:
    """A subsample of the rows.

    Attributes:
        fields: the columns of the functions.
        y: the outcome of each row; of one that is not exact, a value that it may have.
        weight: their weights.
        exact: whether each is exact.
    """

    fields: Mapping[str, Vector]
    y: Vector
    weight: Vector
    exact: NDArray[np.bool_]

    @classmethod
    def of(cls, model: Model, known: FirstPass) -> _Rows:
        """Take them from the first pass."""
        chunks = [c for c in known.subsample(model, FOR_STARTS).chunks() if c.count]
        weights = [np.ones(c.count) if c.weight is None else c.weight for c in chunks]
        exact = [np.full(c.count, c.kind == Exact()) for c in chunks]
        return cls(
            {n: np.concatenate([c.fields[n] for c in chunks]) for n in model.columns},
            np.concatenate([c.kind.located(c.fields) for c in chunks]),
            np.concatenate(weights),
            np.concatenate(exact),
        )


@final
@dataclass(frozen=True, eq=False)
class _Fitted:
    """The coefficients of a function to start with.

    Attributes:
        at: the coefficients.
        value: the function there, one number a row; None where it was not fitted to the outcomes.
        residual: the outcomes less these.
        improved: whether other starting values than the user's were better.
        rounding: of its values, as a root mean square.
        perfect: whether they are rounding alone.
    """

    at: Vector
    value: Vector | None = None
    residual: Vector | None = None
    improved: bool = False
    rounding: float = 0.0
    perfect: bool = False


@final
@dataclass(frozen=True, eq=False)
class _Span:
    """Vectors along which the slopes of a function are uncorrelated.

    Attributes:
        basis: the vectors, as columns.
        unidentified: the coefficients that change the function in no row, or not alone.
    """

    basis: Vector
    unidentified: tuple[str, ...]


@final
@dataclass(frozen=True, eq=False)
class _Function:
    """A function on a subsample of the rows.

    Attributes:
        coefficient: its coefficients, one vector.
        nonlinear: the function.
        rows: the rows.
    """

    coefficient: Coefficient
    nonlinear: Nonlinear
    rows: _Rows

    def fitted(self, near: Mapping[str, Vector] | None, centre: bool) -> _Fitted:
        """Return the least-squares fit to the outcomes, for a centre of theirs; else the start."""
        start = self.coefficient.start if near is None else near[self.coefficient.name]
        assert start is not None  # a function has starting values
        if not centre:
            return _Fitted(start)
        squares = LeastSquares(
            lambda at: self._of_rows(self.nonlinear.evaluate(at, self.rows.fields)),
            self.rows.y,
            np.sqrt(self.rows.weight),
            self._linear(start),
        )
        best = first = squares.project(start)
        if near is None:
            best, first = squares.minimum(start)
        if not math.isfinite(best.square):
            return _Fitted(start)
        at, value = best.at, self.nonlinear.evaluate(best.at, self.rows.fields)[0][0]
        found = None if near is not None else self._refined(at)
        at, residual = (at, self.rows.y - value) if found is None else found
        return _Fitted(
            at if near is None else start,
            value,
            residual,
            best is not first,
            best.noise / math.sqrt(float(np.sum(self.rows.weight))),
            best.square <= min((_PERFECT * best.noise) ** 2, _TINY**2 * self._spread()),
        )

    def _spread(self) -> float:
        """Σ weight (outcome − mean)²."""
        weight = self.rows.weight
        around = self.rows.y - np.average(self.rows.y, weights=weight)
        return float(weight @ (around * around))

    def _refined(self, at: Vector) -> tuple[Vector, Vector] | None:
        share = self.rows.weight / np.sum(self.rows.weight)
        span = self.span(at)
        return (
            None
            if span.unidentified
            else refined(
                at,
                lambda wide: self.nonlinear.evaluate_wide(wide, self.rows.fields),
                span.basis,
                self.rows.y,
                share,
            )
        )

    @staticmethod
    def _of_rows(found: tuple[Vector, Vector]) -> tuple[Vector, Vector]:
        return found[0][0], found[1][0]

    def _linear(self, start: Vector) -> NDArray[np.intp]:
        """Coefficients in which the function is linear, given the others."""
        vanish = self.nonlinear.vanish(start, self.rows.fields)
        chosen: list[int] = []
        for place in range(len(vanish)):
            if vanish[place, [*chosen, place]].all():
                chosen.append(place)
        return np.array(chosen, dtype=np.intp)

    def span(self, at: Vector) -> _Span:
        """Find the vectors at a point."""
        root = np.sqrt(self.rows.weight / np.sum(self.rows.weight))
        with np.errstate(all="ignore"):
            jacobian = self.nonlinear.evaluate(at, self.rows.fields)[1]
            columns = np.concatenate([root[:, None] * own.T for own in jacobian])
            scale = np.sqrt(np.einsum("ij,ij->j", columns, columns))
        if not np.isfinite(scale).all():
            return _Span(np.eye(at.size), ())
        flat = scale == 0.0
        scale = np.where(flat, 1.0, scale)
        _, values, right = np.linalg.svd(columns / scale, full_matrices=columns.shape[0] < at.size)
        values = np.concatenate([values, np.zeros(at.size - values.size)])
        lost = values <= _RANK * values[0]
        named = flat | (np.abs(right[lost]) > _LARGE).any(axis=0)
        c = self.coefficient
        names = tuple(f"{c.name}[{n}]" for n, here in zip(c.labels, named, strict=True) if here)
        return _Span(right.T / np.where(lost, 1.0, values) / scale[:, None], names)


def _is_centre(model: Model, function: _Function, rows: _Rows) -> bool:
    """Whether the best value of the parameter for a row is the row's outcome."""
    if function.nonlinear.size > 1 or model.outcome != "number" or not rows.exact.any():
        return False
    name, y = function.coefficient.name, np.sort(rows.y[rows.exact])
    start = next(iter(model.starts(y, np.ones(y.size))), {})
    known = {n: Fixed(start[n]) if n in start else s for n, s in model.sources.items()}
    found = []
    for value in np.unique(y[[y.size // 4, y.size // 2, (3 * y.size) // 4]]).tolist():
        step = _STEP * (abs(value) + float(np.std(y)))
        losses = []
        for number in (value - step, value, value + step):
            if not bool(np.all(model.parameters[name].contains(number))):
                break
            at = model.with_sources({**known, name: Fixed(number)})
            if at.vector.n_free or at.columns:
                return False
            losses.append(-float(at.log_density(value)))
        if len(losses) == 3 and np.isfinite(losses).all():
            below, own, above = losses
            found.append(abs(above - below) <= _SYMMETRIC * (above + below - 2.0 * own))
    return bool(found) and all(found)


def _points(
    model: Model, vector: ParameterVector, rows: _Rows, fitted: Sequence[_Fitted]
) -> Iterator[Vector]:
    """Starting points: the other parameters suit the residuals, the ratios or the outcomes."""
    samples = [(rows.y, rows.weight)]
    for own in fitted:
        if own.value is None or own.residual is None:
            continue
        with np.errstate(all="ignore"):
            ratio = rows.y / own.value
        samples.append((ratio * np.average(own.value, weights=rows.weight), rows.weight))
        # with their negatives, so that their mean is that of the model, 0
        around = np.concatenate([own.residual, -own.residual])
        samples.append((around, np.tile(rows.weight, 2)))
    for sample, weight in reversed(samples):
        if np.all(model.support.contains(sample)) or sample is rows.y:
            yield from points_from(model, vector, model.starts(sample, weight))
