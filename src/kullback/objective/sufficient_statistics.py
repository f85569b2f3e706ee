"""Samples condensed to the weighted moments of their sufficient statistics, without loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.derivatives import first_and_second
from kullback._core.errors import DataError
from kullback._core.lazy import Lazy
from kullback._core.numpy_program import NUMPY_PROGRAMS
from kullback._core.numpy_sums import ROW, total
from kullback.data.blocks import TILE, Block
from kullback.data.observation import RowKind
from kullback.models.forms import ExponentialForm
from kullback.objective.statistics import (
    LossDerivatives,
    LossSums,
    RowSums,
    ScoreMoments,
    symmetric,
)

# Rows in one NumPy call: their statistics fill a core's second cache, the process reuses the memory
# of intermediate results (fresh memory takes longer than the arithmetic), and calls are long enough
# that threads seldom wait for the interpreter's lock (10 million gamma rows, one thread and two:
# 8,192 rows 60 and 64 ms, 16,384 rows 47 and 48 ms, 32,768 rows 43 and 45 ms, 65,536 rows 44 to 98
# and 45 to 98 ms).
_RUN = 16 * TILE

_UNKNOWN = np.full((1, 1), np.nan)


@final
@dataclass(frozen=True)
class SufficientMoments:
    """Weighted first and second moments of the sufficient statistics.

    Attributes:
        weight: total weight.
        means: mean of each statistic, shape (m,).
        covariance: their covariance, shape (m, m); lazy, as it may need another pass.
        origin: the origin of the statistics.
    """

    weight: float
    means: Vector
    covariance: Lazy[Vector]
    origin: float


@final
@dataclass(frozen=True)
class SufficientSums(RowSums):
    """The sums of a family's sufficient statistics and of their products; argument: the origin.

    Attributes:
        form: the form of the likelihood.
        products: whether to sum products. Without them, a family with ``_sums`` takes a third of
            the time; the sums have the same bits.
    """

    form: ExponentialForm
    products: bool = True

    @property
    def uses_numpy(self) -> bool:
        """Whether the formulas are elementary."""
        return self.form.elementary

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Add up one block: by NumPy if the formulas are elementary, else in a kernel."""
        if not self.form.elementary:
            return super().of_block(block, arguments)
        length = block.count if block.few else min(block.tiles * TILE, block.capacity)
        x, w = block.fields["y"][:length], block.weight[:length] if block.weighted else None
        quick, each = None, 1.0 if w is None else _common(w)
        w = None if each == 1.0 else w
        # rows outside the support are found and named by `SummariseSample`
        with np.errstate(all="ignore"):
            if each is not None:
                quick = self.form.sums(x, float(arguments[0]), *block.extremes)
            firsts = None if quick is None else each * np.array([float(length), *quick])
            if firsts is not None and not self.products:
                return firsts
            runs = [slice(i, i + _RUN) for i in range(0, length, _RUN)]
            parts = [self._of_run(x[s], None if w is None else w[s], arguments[:1]) for s in runs]
        sums: Vector = np.sum(parts, axis=0) if len(parts) > 1 else parts[0]
        if firsts is not None:
            sums[: firsts.size] = firsts
        return sums

    def _of_run(self, x: Vector, w: Vector | None, origin: Vector) -> Vector:
        shape = (-1, min(ROW, x.size))
        t = [row.reshape(shape) for row in self.form.statistics(x, origin)]
        if w is None:
            weight, v = float(x.size), t
        else:
            w = w.reshape(shape)
            weight, v = total(w), [w * row for row in t]
        sums = [weight, *(total(row) for row in v)]
        if self.products:
            add = np.add.reduce
            sums += [add(np.vecdot(v[k], t[m])) for k in range(len(t)) for m in range(k + 1)]
        return np.array(sums)

    @property
    def structure(self) -> Hashable:
        """That of the statistics, which do not depend on parameters."""
        return (SufficientSums, self.form.statistics_structure)

    def rows(
        self,
        kind: RowKind,  # noqa: ARG002  # only exact rows have sufficient statistics
        arguments: Sequence[Array],
        row: Mapping[str, Array],
    ) -> Sequence[Array]:
        """1, T_k, and the lower triangle of T_k T_l."""
        t = self.form.statistics(row["y"], arguments[0])
        return (jnp.ones(()), *t, *(t[k] * t[m] for k in range(len(t)) for m in range(k + 1)))

    def unpack(self, sums: Vector) -> tuple[float, Vector, Vector]:
        """Convert the vector of sums to the weight, the means, and the covariance, if summed."""
        moments = sums[1:] / sums[0]
        m = (math.isqrt(9 + 8 * moments.size) - 3) // 2 if self.products else moments.size
        means = moments[:m]
        covariance = _UNKNOWN
        if self.products:  # m + m(m + 1)/2 numbers
            with np.errstate(all="ignore"):  # overflow is reported by the convergence
                covariance = symmetric(moments[m:], m) - means[:, None] * means[None, :]
        return float(sums[0]), means, covariance


def _common(weight: Vector) -> float | None:
    """Return the weight of every row, where all are equal; else None."""
    return float(weight[0]) if bool(weight.min() == weight.max()) else None


def moments_of(
    statistic: SufficientSums,
    sums: Vector,
    origin: Vector,
    reduce: Callable[[SufficientSums, Vector], Vector],
    label: str,
) -> SufficientMoments:
    """Convert the sums to moments; products that were not summed take another pass, when needed.

    Args:
        statistic: the statistic that was added up.
        sums: its result.
        origin: the origin of the statistics, shape (1,).
        reduce: adds up a statistic over the sample.
        label: name of the outcome in messages.
    """
    weight, means, covariance = statistic.unpack(sums)

    def again() -> Vector:
        whole = replace(statistic, products=True)
        weight_now, means_now, products = whole.unpack(reduce(whole, origin))
        if weight_now != weight or not np.array_equal(means_now, means):
            raise DataError(
                f"{label} has changed since the fit, but the variances of the loss and the scores "
                "are computed when they are first needed (by summary, decomposition, the sandwich "
                "covariance or save). Fit again, and call one of these before changing the rows."
            )
        return products

    lazy = Lazy.known(covariance) if statistic.products else Lazy(again)
    return SufficientMoments(weight, means, lazy, float(origin[0]))


def derivatives_of_moments(
    statistic: LossDerivatives, moments: SufficientMoments, constrained: Vector
) -> LossSums:
    """Return the sums of a pass over the rows, from the moments of the sufficient statistics alone.

    The log-density is affine in the statistics T, so its mean is its value at the mean of T, and
    the scores' outer product is s s' + B Cov(T) B' with B = ∂²ℓ/∂θ∂T.
    """
    form = statistic.model.exponential_form
    assert form is not None  # since its moments were added up
    d, m = sum(statistic.is_free), moments.means.size
    key = (SufficientMoments, statistic.structure, m)
    numbers = (*moments.means, np.float64(moments.origin), *constrained)

    def formula(*at: Array) -> Sequence[Array]:
        found: list[Array] = moment_derivatives(statistic, form)(*at)
        return found

    program = NUMPY_PROGRAMS.get(key, formula, len(numbers), rows=0)
    if program is None:
        with float64():
            found = COMPILED.call(key, lambda: lambda *at: jnp.stack(formula(*at)), *numbers)
    else:
        with np.errstate(all="ignore"):  # overflow is reported by the convergence
            found = program.of_scalars(*numbers)
    sums, half = np.array(found), 1 + d + m + d * (d + 1) // 2
    score, slope = sums[1 : 1 + d], sums[1 + d : 1 + d + m]
    hessian, mixed = symmetric(sums[1 + d + m : half], d), sums[half:].reshape(d, m)

    def score_moments() -> ScoreMoments:
        covariance = moments.covariance()
        variance = float(slope @ covariance @ slope)
        outer = score[:, None] * score[None, :] + mixed @ covariance @ mixed.T
        return ScoreMoments(variance, outer)

    return LossSums(moments.weight, float(sums[0]), score, hessian, Lazy(score_moments))


def moment_derivatives(statistic: LossDerivatives, form: ExponentialForm) -> Callable[..., Any]:
    """Return the function from means of the statistics, origin and constrained numbers to the loss.

    And to its derivatives: ∂ℓ in the free numbers and in the means, the lower triangle of ∂²ℓ, and
    ∂²ℓ/∂θ∂T row by row. All are scalars.
    """
    count = len(statistic.is_free)
    free = np.flatnonzero(np.array(statistic.is_free, dtype=bool)).tolist()

    def derivatives(*numbers: Array) -> list[Array]:
        means, origin, fixed = numbers[: -count - 1], numbers[-count - 1], numbers[-count:]

        def loss(*at: Array) -> Array:
            filled = list(fixed)
            for i, number in zip(free, at, strict=False):
                filled[i] = number
            parameters = statistic.model.row_parameters(filled, {})
            return -form.log_density_of(at[len(free) :], origin, parameters)

        value, first, lower, mixed = first_and_second(loss, [fixed[i] for i in free], means)
        return [value, *first, *lower, *mixed]

    return derivatives
