"""Quantities of the rows of a fit, their derivatives in its predictors, and their errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.design_matrix import DesignMatrix
from kullback.models.row_wise import RowWise
from kullback.objective.predictors import predictors_of
from kullback.results.at import Fields, RowParameters
from kullback.results.standardised import ROUGH, lengths, slopes

if TYPE_CHECKING:  # Fit.predict calls what uses this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

RowQuantity: TypeAlias = Callable[[RowWise], Vector]

# Without the column of ones of a formula that reads none, rows would have no length.
_NOTHING = ""


@final
@dataclass(frozen=True, eq=False)
class AtRows:
    """A quantity at some rows and its derivatives.

    Attributes:
        value: shape (rows, …).
        slopes: its derivative in each free predictor, shape (predictors, rows, …); NaN where the
            quantity has steps.
        designs: the derivative of each of these in its coefficients; None where that is 1.
        places: the free numbers that each of them depends on.
    """

    value: Vector
    slopes: Vector
    designs: Sequence[DesignMatrix | None]
    places: Sequence[slice]

    def gradient(self, weights: Vector, size: int) -> Vector:
        """Return the derivative of Σ weight × quantity in the free numbers, shape (size,)."""
        out = np.zeros(size)
        for slope, design, place in zip(self.slopes, self.designs, self.places, strict=True):
            own = weights * slope
            out[place] += own.sum() if design is None else design.transpose_dot(own)
        return out


@final
@dataclass(frozen=True, eq=False)
class RowDerivatives:
    """The rows of a fit under its estimates, and how these vary.

    Attributes:
        parameters: of rows, with the predictors that may be differentiated in.
        covariance: of the free numbers, in the order of ``fit.names``.
        known: whether these are all that vary: a median of the sample does, by an unknown error.
    """

    parameters: RowParameters
    covariance: Vector
    known: bool

    @classmethod
    def of(cls, fit: FitNumbers) -> RowDerivatives:
        """Take the observed information's covariance, in the rows' own unit."""
        numbers = fit._in_own_unit(fit._constrained)
        predictors = predictors_of(fit.form, fit.vector.is_free)
        orders = fit.form.order_statistics
        known = all(orders.get(name) != "median" for name in fit.vector.on_bound)
        return cls(RowParameters(fit.form, predictors, numbers), fit.covariance(), known)

    def at(self, fields: Fields, count: int, f: RowQuantity) -> AtRows:
        """Differentiate a quantity of rows in their predictors.

        By extrapolated central differences, the first of a standard error of each predictor.

        Args:
            fields: the columns of the rows.
            count: the number of rows.
            f: the quantity, shape (rows, …) for a given number of rows.
        """
        own, predictors = self.parameters, self.parameters.predictors
        fields = fields or {_NOTHING: np.zeros(count)}
        values, designs = predictors.evaluate(own.numbers, fields)
        free = predictors.free
        places = [p.to for p in predictors.each if p.to is not None]
        kept = [designs[a] for a in free]
        steps = np.stack(
            [self._error(d, place, count) for d, place in zip(kept, places, strict=True)]
            or [np.zeros((0, count))]
        ).reshape(len(free), count)

        def moved(z: Vector) -> Vector:
            at = list(values)
            for a, step, by in zip(free, steps, z, strict=True):
                at[a] = values[a] + by * step[: values[a].size]
            return f(RowWise.of(own.model, own.at(at, fields, count), own.varying, count))

        value = moved(np.zeros(len(free)))
        if not free or not np.all(np.isfinite(steps)):
            unknown = np.full((len(free), *value.shape), np.nan)
            return AtRows(value, unknown, kept, places)
        found, error = slopes(moved, len(free))
        found[:, ~(lengths(error) <= ROUGH * lengths(found))] = np.nan
        width = steps.reshape(*steps.shape, *(1,) * (value.ndim - 1))
        out = np.divide(found, width, out=np.zeros_like(found), where=width > 0.0)
        return AtRows(value, out, kept, places)

    def _error(self, design: DesignMatrix | None, place: slice, count: int) -> Vector:
        """The standard error of a predictor at each row."""
        block = self.covariance[place, place]
        if design is None:
            return np.full(count, np.sqrt(block[0, 0]))
        x = design.to_dense()
        # the covariance is positive definite or NaN: a variance below 0 is the rounding of 0
        return np.asarray(np.sqrt(np.maximum(np.sum(x * (block @ x), axis=0), 0.0)))

    def errors(self, at: AtRows) -> Vector:
        """Return the standard error of a quantity at each row, of the shape of its values."""
        if not self.known:
            return np.full(at.value.shape, np.nan)
        count = len(at.value)
        dense = [np.ones((1, count)) if d is None else d.to_dense() for d in at.designs]
        total = np.zeros(at.value.shape)
        for a, (x, p) in enumerate(zip(dense, at.places, strict=True)):
            for b, (z, q) in enumerate(zip(dense, at.places, strict=True)):
                between = np.sum(x * (self.covariance[p, q] @ z), axis=0)
                total += at.slopes[a] * at.slopes[b] * between.reshape(-1, *(1,) * (total.ndim - 1))
        return np.asarray(np.sqrt(np.where(total < 0.0, 0.0, total)))
