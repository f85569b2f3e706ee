"""Sums over rows for many replicates at once: rows by replicates, by one compiled program.

The rows are cut into tiles of 128 (up to 16 rows: of 16) and the replicates into lanes of 256, so
that there are two programs whatever the numbers of both. The program adds neighbouring rows and
their sums, (2i, 2i + 1), and the tiles are added in their order: the sums of a replicate have the
same bits whatever replicates lie beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback.data.observation import RowKind
from kullback.groups.lanes import fold_terms
from kullback.objective.statistics import LossDerivatives

ROWS, FEW, LANES = 128, 16, 256


def loss_sums(
    derivatives: LossDerivatives,
    kind: RowKind,
    theta: Vector,
    fields: Mapping[str, Vector],
    weight: NDArray[Any],
    pool: ThreadPoolExecutor | None,
    *,
    own: bool,
) -> Vector:
    """Return Σ w (ℓ, ∂ℓ, ∂²ℓ) of each replicate, second derivatives as a lower triangle.

    Args:
        derivatives: the model, and the numbers to differentiate in.
        kind: the kind of the rows.
        theta: the constrained numbers, shape (k, replicates).
        fields: the rows, each of shape (rows, 1), or (rows, replicates) where each has its own.
        weight: the weights, shape (rows, replicates); (rows, 1) where each has its own rows.
        pool: the threads; None for this one.
        own: whether each replicate has rows of its own.
    """
    names = tuple(fields)
    key = ("replicates", derivatives.structure, kind, names)
    build = _program(derivatives, kind, names)
    columns = [*((column, own) for column in fields.values()), (weight, not own)]
    return by_tiles(key, build, theta, columns, pool)


def by_tiles(
    key: tuple[Any, ...],
    build: Callable[[], Callable[..., Array]],
    theta: Vector,
    columns: list[tuple[NDArray[Any], bool]],
    pool: ThreadPoolExecutor | None,
    join: Callable[[Vector, Vector], Vector] = np.add,
) -> Vector:
    """Call a program tile by tile and add up its results, shape (m, replicates).

    Args:
        key: of the compiled code.
        build: returns the program of theta and the columns, each cut to a tile.
        theta: numbers of each replicate, shape (k, replicates).
        columns: the rows, each with whether it has a column for each replicate, or one for all.
            The last one is padded with zeros, the others with copies of the last row.
        pool: the threads; None for this one.
        join: of the results of two tiles, where that is not their sum.
    """
    rows, size = columns[0][0].shape[0], theta.shape[1]
    height = FEW if rows <= FEW else ROWS
    key = (*key, height, tuple(wide for _, wide in columns))

    def call(begin: int) -> Vector:
        lanes = slice(begin, begin + LANES)
        own = _padded(theta[:, lanes], theta.shape[0], LANES)
        total: Any = None
        with float64():  # the context holds for one thread
            for top in range(0, rows, height):
                tile = []
                for column, wide in columns:
                    part = column[top : top + height, lanes if wide else slice(None)]
                    tile.append(_padded(part, height, LANES if wide else 1))
                tile[-1][min(rows - top, height) :] = 0.0
                found = np.asarray(COMPILED.call(key, build, own, *tile))
                total = found if total is None else join(total, found)
        sums: Vector = total[:, : size - begin]
        return sums

    begins = range(0, size, LANES)
    parts = list(map(call, begins) if pool is None or len(begins) < 2 else pool.map(call, begins))
    return np.concatenate(parts, axis=1)


def _padded(part: NDArray[Any], height: int, width: int) -> Vector:
    """Return a copy in float64, padded with the last row and the last column."""
    out = np.empty((height, width))
    rows, size = part.shape
    out[:rows, :size] = part
    out[:rows, size:] = part[:, size - 1 :]
    out[rows:] = out[rows - 1]
    return out


def _program(
    derivatives: LossDerivatives, kind: RowKind, names: tuple[str, ...]
) -> Callable[[], Callable[..., Array]]:
    d = sum(derivatives.is_free)

    def sums(theta: Array, *columns: Array) -> Array:
        *fields, w = columns
        numbers = [theta[i][None, :] for i in range(theta.shape[0])]
        rows = derivatives.rows(kind, numbers, dict(zip(names, fields, strict=True)))
        # without ℓ² and the outer product of the scores
        kept = [rows[1], *rows[3 : 3 + d + d * (d + 1) // 2]]
        shape = (w.shape[0], theta.shape[1])
        terms = [jnp.broadcast_to(value * w, shape) for value in kept]
        return fold_terms(terms)

    return lambda: sums
