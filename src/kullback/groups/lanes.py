"""Sums over the rows of many groups by one program, for groups of any size.

A group is cut into lanes of 128 rows; a remainder of up to 64 rows into lanes of 16. So the
program of a lane does not depend on the size of the group, and there are two. A lane's rows are
padded with a copy of a real row at weight zero. The compiled program adds neighbouring rows and
their sums, (2i, 2i + 1), and this module goes on so over the lanes of a group. How a group is cut
depends on its own number of rows alone, and so its sums have the same bits whatever lanes lie
beside its own. Rows that are not exact, whose programs take seconds to compile, are cut into lanes
of 32: there is one program for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias, final, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback.data.observation import Exact, RowKind
from kullback.objective.statistics import LossDerivatives

Places: TypeAlias = NDArray[np.intp]

# Rows in a lane of either kind, and the most rows that are put into the narrow ones. (10,000 groups
# of 100 rows in one wide lane each: a pass takes 60% of the time that it takes in seven narrow
# ones, whose sums NumPy adds up.)
_WIDE, _NARROW = 128, 16
_NARROW_ROWS = 64

# Rows in a lane of the one kind.
_ONLY = 32

# Rows in a tile, one call of the program: few enough for the cache, enough for the call not to
# count.
_CELLS = 32_768


@runtime_checkable
class LaneKernel(Protocol):
    """Sums over the rows of every lane of a tile."""

    def load(self, fields: Sequence[Vector], w: Vector) -> tuple[Any, Any]:
        """Return fields and weights, each lanes by rows, in the form that the sums take."""

    def sums(self, numbers: Vector, fields: Any, w: Any) -> Vector:
        """Return the sums, shape (m, lanes), at the numbers of each lane, shape (k, lanes)."""


@final
class Lanes:
    """The rows of some groups, cut into lanes.

    Args:
        fields: what was observed of all rows, group after group.
        w: their weights; None where all are one.
        first: where each of these groups begins.
        size: its number of rows, at least one.
        both: whether there are wide and narrow lanes, not lanes of one length.
    """

    def __init__(
        self,
        fields: Sequence[Vector],
        w: Vector | None,
        first: Places,
        size: Places,
        *,
        both: bool,
    ) -> None:
        rest = size % _WIDE if both else np.zeros_like(size)
        wide = size // _WIDE + (rest > _NARROW_ROWS) if both else -(-size // _ONLY)
        narrow = np.where(rest > _NARROW_ROWS, 0, -(-rest // _NARROW))
        self._wide = _Part(_WIDE if both else _ONLY, fields, w, first, size, wide)
        self._narrow = _Part(_NARROW, fields, w, first + size - rest, rest, narrow)
        tails = narrow > 0
        self._fold_narrow = _Fold(narrow[tails])
        self._fold = _Fold(wide + tails)
        # the results of the wide lanes and of the tails, in the order of their groups
        self._place = np.argsort(
            np.concatenate([self._wide.owner, np.flatnonzero(tails)]), kind="stable"
        )
        self._mixed = bool(wide.any()) and bool(tails.any())

    @property
    def tiles(self) -> int:
        """The number of calls that a pass takes."""
        return self._wide.tiles + self._narrow.tiles

    def sums(
        self,
        kernel: LaneKernel,
        numbers: Vector,
        live: NDArray[np.bool_],
        pool: ThreadPoolExecutor | None,
    ) -> Vector:
        """Return the sums of each group, shape (m, groups).

        Args:
            kernel: sums over the rows of a lane.
            numbers: those of each group that it takes, shape (k, groups).
            live: the groups to compute; the sums of others are meaningless.
            pool: the threads; None for this one.
        """
        calls = [
            (part, tile)
            for part in (self._wide, self._narrow)
            for tile in range(part.tiles)
            if bool(live[part.owner[part.lanes(tile)]].any())
        ]

        def call(job: tuple[_Part, int]) -> Vector:
            return job[0].call(kernel, numbers, job[1])

        found = list(map(call, calls) if pool is None or len(calls) < 2 else pool.map(call, calls))
        sums = dict(zip(calls, found, strict=True))
        wide, narrow = (
            part.joined([sums.get((part, tile)) for tile in range(part.tiles)], len(found[0]))
            for part in (self._wide, self._narrow)
        )
        narrow = self._fold_narrow(narrow)
        if not self._mixed:
            return self._fold(wide if wide.shape[1] else narrow)
        return self._fold(np.concatenate([wide, narrow], axis=1)[:, self._place])


@final
class _Part:
    """The lanes of one length.

    Attributes:
        owner: the group of each lane.
        tiles: the number of tiles.
    """

    def __init__(
        self,
        rows: int,
        fields: Sequence[Vector],
        w: Vector | None,
        first: Places,
        size: Places,
        lanes: Places,
    ) -> None:
        self._rows, self._width = rows, _CELLS // rows
        self._fields, self._w = fields, w
        self.owner = np.repeat(np.arange(lanes.size), lanes)
        before = (np.arange(self.owner.size) - np.repeat(np.cumsum(lanes) - lanes, lanes)) * rows
        self._first = first[self.owner] + before
        self._count = np.minimum(size[self.owner] - before, rows)
        self.tiles = -(-self.owner.size // self._width)
        self._stored: dict[int, tuple[Any, Any]] = {}

    def lanes(self, tile: int) -> slice:
        """The lanes of a tile."""
        return slice(tile * self._width, min((tile + 1) * self._width, self.owner.size))

    def call(self, kernel: LaneKernel, numbers: Vector, tile: int) -> Vector:
        """Return the sums of each lane of a tile."""
        lanes = self.lanes(tile)
        owner = self.owner[lanes]
        own = np.empty((numbers.shape[0], self._width))
        np.take(numbers, owner, axis=1, out=own[:, : owner.size])
        own[:, owner.size :] = own[:, owner.size - 1 : owner.size]
        stored = self._stored.get(tile)
        if stored is None:
            stored = self._stored[tile] = kernel.load(*self._loaded(lanes))
        return kernel.sums(own, *stored)[:, : owner.size]

    def joined(self, tiles: list[Vector | None], height: int) -> Vector:
        """Return the sums of all lanes, NaN in tiles that were not computed."""
        missing = np.full((height, self._width), np.nan)
        lanes = [missing if sums is None else sums for sums in tiles]
        whole: Vector = np.concatenate([np.empty((height, 0)), *lanes], axis=1)
        return whole[:, : self.owner.size]

    def _loaded(self, lanes: slice) -> tuple[list[Vector], Vector]:
        """Return the fields and weights of a tile, lanes by rows, padded."""
        first, count, rows = self._first[lanes], self._count[lanes], self._rows
        n, size = int(count[0]), first.size
        w = np.zeros((self._width, rows))
        if bool(np.all(count == n)) and bool(np.all(first == first[0] + n * np.arange(size))):
            whole = slice(int(first[0]), int(first[0]) + n * size)
            w[:size, :n] = 1.0 if self._w is None else self._w[whole].reshape(size, n)
            fields = []
            for column in self._fields:
                field = np.empty((self._width, rows))
                field[:size, :n] = column[whole].reshape(size, n)
                field[:size, n:] = field[:size, :1]
                fields.append(field)
        else:
            row = np.arange(rows)
            inside = row < count[:, None]
            at = first[:, None] + np.where(inside, row, 0)
            w[:size] = np.where(inside, 1.0 if self._w is None else self._w[at], 0.0)
            fields = [np.empty((self._width, rows)) for _ in self._fields]
            for field, column in zip(fields, self._fields, strict=True):
                field[:size] = column[at]
        for field in fields:
            field[size:] = field[size - 1]
        return fields, w


@final
@dataclass(frozen=True)
class CompiledKernel:
    """Σ w · term over the rows of every lane, by a compiled program.

    Attributes:
        structure: the key of the compiled code.
        terms: returns the terms of rows, from the numbers of their groups and the fields.
        together: whether all rows are computed at once; else each alone, so that it ends the loops
            of its tails whatever the others do.
    """

    structure: Hashable
    terms: Callable[..., Sequence[Array]]
    together: bool

    def load(self, fields: Sequence[Vector], w: Vector) -> tuple[Any, Any]:
        """Return fields and weights as arrays of JAX, rows by lanes."""
        with float64():  # the context holds for one thread
            return [jax.device_put(field.T.copy()) for field in fields], jax.device_put(w.T.copy())

    def sums(self, numbers: Vector, fields: Any, w: Any) -> Vector:
        """Return the sums at the constrained numbers of each lane."""
        key = ("lanes", self.structure, w.shape, numbers.shape)
        with float64():
            return np.asarray(COMPILED.call(key, lambda: self._program, numbers, w, *fields))

    def _program(self, theta: Array, w: Array, *fields: Array) -> Array:
        if self.together:
            found = self.terms(theta[:, None, :], *fields)
        else:
            lanes = jax.vmap(self.terms, in_axes=(1, *(0 for _ in fields)))
            found = jax.vmap(lanes, in_axes=(None, *(0 for _ in fields)))(theta, *fields)
        return fold_terms([jnp.broadcast_to(value, w.shape) * w for value in found])


def loss_kernel(derivatives: LossDerivatives, kind: RowKind) -> CompiledKernel:
    """Return Σ w (ℓ, ∂ℓ, ∂²ℓ) by the log-term, second derivatives as a lower triangle.

    Args:
        derivatives: the model, and the numbers to differentiate in.
        kind: how the outcomes were observed.
    """
    names, d = kind.fields, sum(derivatives.is_free)

    def terms(theta: Array, *fields: Array) -> list[Array]:
        numbers = [theta[i] for i in range(theta.shape[0])]
        rows = derivatives.rows(kind, numbers, dict(zip(names, fields, strict=True)))
        # without ℓ² and the outer product of the scores
        return [rows[1], *rows[3 : 3 + d + d * (d + 1) // 2]]

    return CompiledKernel((derivatives.structure, kind), terms, isinstance(kind, Exact))


def fold_terms(terms: Sequence[Array]) -> Array:
    """Return the sums over the rows of terms, each of shape (rows, lanes): (terms, lanes)."""
    # or a product and the first addition are rounded once, in some lanes and not in others
    barrier: Any = jax.lax.optimization_barrier
    return folded(barrier(jnp.stack(terms, axis=1)))


def folded(rows: Array) -> Array:
    """Add neighbouring rows, and their sums."""
    while rows.shape[0] > 1:
        rows = rows[0::2] + rows[1::2]
    return rows[0]


@final
@dataclass(frozen=True)
class _Fold:
    """Adds neighbours in runs, and their sums, until one is left of each run.

    Attributes:
        counts: the length of each run, at least one.
    """

    counts: Places

    @cached_property
    def _levels(self) -> list[tuple[Places, Places]]:
        """For each level the positions of the pairs; beyond the end is a zero."""
        levels, counts = [], self.counts
        while counts.size and counts.max() > 1:
            begin, half = np.cumsum(counts) - counts, -(-counts // 2)
            run = np.repeat(np.arange(counts.size), half)
            pair = np.arange(run.size) - np.repeat(np.cumsum(half) - half, half)
            even = begin[run] + 2 * pair
            odd = np.where(2 * pair + 1 < counts[run], even + 1, counts.sum())
            levels.append((even, odd))
            counts = half
        return levels

    def __call__(self, values: Vector) -> Vector:
        """Return the sum of each run, shape (m, runs), of values in shape (m, lanes)."""
        for even, odd in self._levels:
            padded = np.concatenate([values, np.zeros((values.shape[0], 1))], axis=1)
            values = padded[:, even] + padded[:, odd]
        return values
