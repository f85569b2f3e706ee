"""The cross-entropy of every group as a function of its own coefficients, with two derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, final, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.domains import REAL, Interval
from kullback.data.observation import Exact
from kullback.groups.basis import GroupBasis
from kullback.groups.exponential import GroupExponential
from kullback.groups.lanes import LaneKernel, Lanes, loss_kernel
from kullback.groups.newton import Places, Points
from kullback.groups.rows import KindRows
from kullback.models.forms import ExponentialForm
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.statistics import LossDerivatives, symmetric
from kullback.objective.sufficient_statistics import moment_derivatives

# Groups in one call of the compiled program of moments, and rows in one of that of statistics.
_WIDTH = 1_024
_ROWS = 65_536


@runtime_checkable
class GroupSums(Protocol):
    """Means over the rows of groups."""

    def __call__(self, groups: Places, theta: Vector) -> tuple[Vector, Vector, Vector]:
        """Return the loss (g,), its gradient (d, g) and Hessian (d, d, g) of some groups.

        Args:
            groups: their numbers.
            theta: their constrained numbers, free and fixed, shape (k, g).
        """


@runtime_checkable
class RowTerms(Protocol):
    """What is added up over the rows of one kind, and how the means' derivatives follow."""

    @property
    def fields(self) -> tuple[Vector, ...]:
        """The columns of the rows that the sums read."""

    @property
    def kernel(self) -> LaneKernel:
        """The sums over the rows of a lane."""

    def at(
        self, groups: Places, theta: Vector
    ) -> tuple[Vector, Callable[[Vector, Vector], Vector]]:
        """Return the numbers that the kernel takes, and the function from sums to derivatives.

        Args:
            groups: the groups.
            theta: their constrained numbers, shape (k, groups).
        """


@final
@dataclass(frozen=True)
class PlainTerms:
    """The derivatives themselves, by a compiled program."""

    fields: tuple[Vector, ...]
    kernel: LaneKernel

    def at(
        self,
        groups: Places,  # noqa: ARG002  # the protocol's
        theta: Vector,
    ) -> tuple[Vector, Callable[[Vector, Vector], Vector]]:
        """Return the numbers, and the sums as they are."""
        return theta, lambda sums, _weight: sums


def terms_of(derivatives: LossDerivatives, rows: KindRows) -> RowTerms:
    """Return the terms of a model without columns: by a form of its family if it has one."""
    form: RowTerms | None = None
    if rows.kind == Exact():
        form = GroupExponential.of(derivatives, rows) or GroupBasis.of(derivatives, rows)
    plain = PlainTerms(tuple(rows.fields.values()), loss_kernel(derivatives, rows.kind))
    return plain if form is None else form


@final
class RowSums:
    """The means over the rows of one kind, by passes.

    Args:
        terms: what is added up.
        free: the number of free numbers.
        rows: the rows of all groups.
        groups: the groups that will be evaluated; each has a row.
        pool: the threads; None for this one.
    """

    def __init__(
        self,
        terms: RowTerms,
        free: int,
        rows: KindRows,
        groups: Places,
        pool: ThreadPoolExecutor | None,
    ) -> None:
        self._terms, self._free, self._rows, self._pool = terms, free, rows, pool
        self._hold(groups)

    def _hold(self, groups: Places) -> None:
        rows = self._rows
        self._groups = groups
        first, size = rows.first[groups], rows.size[groups]
        self._lanes = Lanes(self._terms.fields, rows.w, first, size, both=rows.kind == Exact())

    def __call__(self, groups: Places, theta: Vector) -> tuple[Vector, Vector, Vector]:
        """Pass over the rows; the groups are among those of the last call."""
        # once half of the groups have ended, the rows of the others are put together
        if self._lanes.tiles > 1 and 2 * groups.size <= self._groups.size:
            self._hold(groups)
        places = np.searchsorted(self._groups, groups)
        live = np.zeros(self._groups.size, dtype=bool)
        live[places] = True
        numbers, derived = self._terms.at(groups, theta)
        full = np.empty((numbers.shape[0], self._groups.size))
        full[:, places] = numbers
        full[:, ~live] = numbers[:, :1]  # any numbers: their sums are not read
        sums = self._lanes.sums(self._terms.kernel, full, live, self._pool)[:, places]
        weight, d = self._rows.weight[groups], self._free
        means = derived(sums, weight) / weight
        hessian = np.empty((d, d, groups.size))
        i, j = np.tril_indices(d)
        hessian[i, j] = hessian[j, i] = means[1 + d :]
        return means[0], means[1 : 1 + d], hessian


@final
@dataclass(frozen=True, eq=False)
class JointSums:
    """The means over rows of several kinds, from those over each.

    Attributes:
        parts: the means over some of the rows, with the weight of these in every group; a group
            without any is not asked for.
    """

    parts: Sequence[tuple[GroupSums, Vector]]

    def __call__(self, groups: Places, theta: Vector) -> tuple[Vector, Vector, Vector]:
        """Add the means up, each with the share of its rows in the weight of the group."""
        weights = [weight[groups] for _, weight in self.parts]
        total = sum(weights[1:], weights[0])
        means: list[Vector] = []
        for (sums, _), weight in zip(self.parts, weights, strict=True):
            has = np.flatnonzero(weight)
            if not has.size:
                continue
            share = weight[has] / total[has]  # exactly 1 for a group of one kind
            found = sums(groups[has], theta[:, has])
            means = means or [np.zeros((*own.shape[:-1], groups.size)) for own in found]
            for mean, own in zip(means, found, strict=True):
                mean[..., has] += share * own
        loss, score, hessian = means
        return loss, score, hessian


@final
@dataclass(frozen=True, eq=False)
class MomentSums:
    """The means from those of a family's sufficient statistics.

    Attributes:
        derivatives: the model, and the numbers to differentiate in.
        form: the form of its likelihood.
        means: of the statistics, shape (m, all groups).
        origin: of the statistics, shape (all groups,).
    """

    derivatives: LossDerivatives
    form: ExponentialForm
    means: Vector
    origin: Vector

    def __call__(self, groups: Places, theta: Vector) -> tuple[Vector, Vector, Vector]:
        """Compute them from the moments, a fixed number of groups in a call."""
        parts = []
        with float64():
            for begin in range(0, groups.size, _WIDTH):
                part = groups[begin : begin + _WIDTH]
                padded = np.concatenate([part, np.repeat(part[-1:], _WIDTH - part.size)])
                numbers = np.empty((theta.shape[0], _WIDTH))
                numbers[:, : part.size] = theta[:, begin : begin + _WIDTH]
                numbers[:, part.size :] = numbers[:, part.size - 1 : part.size]
                key = ("moments of groups", self.derivatives.structure, numbers.shape)
                found = COMPILED.call(
                    key, self._program, self.means[:, padded], self.origin[padded], numbers
                )
                parts.append([np.asarray(f)[..., : part.size] for f in found])
        loss, score, hessian = (np.concatenate(own, axis=-1) for own in zip(*parts, strict=True))
        return loss, score, hessian

    def _program(self) -> Callable[..., tuple[Array, ...]]:
        alone = moment_derivatives(self.derivatives, self.form)

        def first_three(means: Array, origin: Array, numbers: Array) -> tuple[Array, ...]:
            loss, *rest = alone(*means, origin, *numbers)
            d = sum(self.derivatives.is_free)
            lower = jnp.stack(rest[d + len(means) :][: d * (d + 1) // 2])
            return loss, jnp.stack(rest[:d]), symmetric(lower, d)

        return jax.vmap(first_three, in_axes=-1, out_axes=-1)


def statistics_of(form: ExponentialForm, y: Vector, origin: Vector) -> list[Vector]:
    """Return the sufficient statistics of every row, each from an origin of its own.

    By the compiled form: that in NumPy takes one origin, and chooses its formula by all rows.
    """
    parts: list[Vector] = []

    def program(x: Array, at: Array) -> Array:
        return jnp.stack(form.statistics(x, at))

    with float64():
        for begin in range(0, y.size, _ROWS):
            padded = np.empty((2, _ROWS))
            for whole, own in zip((y, origin), padded, strict=True):
                part = whole[begin : begin + _ROWS]
                own[: part.size], own[part.size :] = part, part[0]
            key = ("statistics of groups", form.statistics_structure)
            found = COMPILED.call(
                key, lambda: lambda x, at: jnp.stack(form.statistics(x, at)), *padded
            )
            parts.append(np.asarray(found)[:, : y.size - begin])
    return list(np.concatenate(parts, axis=1))


def free_domains(vector: ParameterVector) -> list[Interval]:
    """Return the domain of each free number: of the coefficients of columns the real line."""
    pairs = ((c.domain, c.domain.size) for c in vector.free)
    return [d if isinstance(d, Interval) else REAL for d, size in pairs for _ in range(size)]


@final
@dataclass(frozen=True, eq=False)
class GroupObjective:
    """The cross-entropy of every group on the unconstrained scale.

    Attributes:
        vector: the coefficients: single numbers, and vectors of real numbers.
        sums: the means over the rows.
    """

    vector: ParameterVector
    sums: GroupSums

    @cached_property
    def _domains(self) -> list[Interval]:
        return free_domains(self.vector)

    def constrained(self, u: Vector) -> Vector:
        """Map (free, groups) to all constrained numbers, fixed ones included."""
        out = np.repeat(
            self.vector.constrained(np.zeros(self.vector.n_free))[:, None], u.shape[1], 1
        )
        free = [i for i, is_free in enumerate(self.vector.is_free) if is_free]
        for i, domain, own in zip(free, self._domains, u, strict=True):
            out[i] = domain.constrained(own)
        return out

    def slopes(self, u: Vector) -> Vector:
        """Return ∂ constrained / ∂ u of each free number, shape (free, groups)."""
        pairs = zip(self._domains, u, strict=True)
        return np.stack([domain.jacobian(own)[:, 0] for domain, own in pairs])

    def __call__(self, groups: Places, u: Vector) -> Points:
        """Evaluate some groups at points of shape (free, groups)."""
        loss, score, hessian = self.sums(groups, self.constrained(u))
        slopes = self.slopes(u)
        hessian = slopes[:, None, :] * hessian * slopes[None, :, :]
        for i, (domain, own) in enumerate(zip(self._domains, u, strict=True)):
            hessian[i, i] += domain.curvature(own, score[i])[:, 0]
        # NaN comes from inf − inf between rows: some row is impossible here
        return Points(u, np.where(np.isnan(loss), np.inf, loss), slopes * score, hessian)
