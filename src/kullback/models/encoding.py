"""Encoding of covariates as inputs of a network: scaled numbers, and indicators or codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.errors import DataError

# A scaled number x becomes x / √(1 + (x/3)²): linear near the centre, below 3 everywhere, so that
# no outlier dominates (Holzmüller et al. 2024, section 3).
_LIMIT = 3.0
# Beyond it the quotient is 3 in double precision, and far beyond it the square would overflow.
_FAR = 1e100

# The reciprocals of spreads between these, and the products with them, are normal numbers.
_SMALLEST, _LARGEST = 1e-300, 1e300

# A category with more levels than this is given by its code, which the network embeds in a few
# trained numbers: indicators would take a column each.
_INDICATORS = 32

# Embedding dimension of categories with many levels, as in Holzmüller et al. (2024).
EMBEDDING = 8


@final
@dataclass(frozen=True, eq=False)
class Encoder:
    """The encoding of each covariate, learned from the rows of a fit.

    Attributes:
        names: the covariates.
        sizes: for each, the number of its levels; 0 for a number.
        centre: for each, the number subtracted from it.
        scale: for each, the factor then applied.
        gaps: for each, whether it has an indicator of missing values.
        limited: whether numbers are smoothly limited.
        embedded: the positions, among the covariates, of categories given by their codes (a missing
            value has the code after the last level); these inputs come last.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    centre: Vector
    scale: Vector
    gaps: tuple[bool, ...]
    limited: bool = True
    embedded: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """The number of inputs."""
        return sum(self.widths) + len(self.embedded)

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of inputs of each covariate, without codes."""
        pairs, coded = zip(self.sizes, self.gaps, strict=True), set(self.embedded)
        return tuple(0 if k in coded else (size or 1) + gap for k, (size, gap) in enumerate(pairs))

    @property
    def tables(self) -> tuple[int, ...]:
        """For each input that is a code, the number of codes: one a level, and one for missing."""
        return tuple(self.sizes[k] + 1 for k in self.embedded)

    def encode(self, columns: Sequence[Vector]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return the inputs of rows in memory, shape (rows, width), float32."""
        rows = len(columns[0])
        out = np.zeros((rows, self.width), dtype=np.float32)
        at = 0
        first = out.shape[1] - len(self.embedded)
        place = {k: first + position for position, k in enumerate(self.embedded)}
        for k, column in enumerate(columns):
            absent = np.isnan(column)
            if k in place:
                out[:, place[k]] = np.where(absent, self.sizes[k], column)
                continue
            if self.sizes[k]:
                present = np.flatnonzero(~absent)
                out[present, at + column[present].astype(np.intp)] = 1.0
                at += self.sizes[k]
            else:
                with np.errstate(over="ignore"):  # it is beyond _FAR then
                    x = (np.where(absent, self.centre[k], column) - self.centre[k]) * self.scale[k]
                if self.limited:
                    x = np.clip(x, -_FAR, _FAR)
                    x = x / np.sqrt(1.0 + (x / _LIMIT) ** 2)
                out[:, at] = x
                at += 1
            if self.gaps[k]:
                out[:, at] = absent
                at += 1
        return out

    def encode_in_jax(self, columns: Sequence[Array]) -> Array:
        """Return the same for columns inside a compiled function."""
        parts: list[Array] = []
        coded = set(self.embedded)
        for k, column in enumerate(columns):
            if k in coded:
                continue
            absent = jnp.isnan(column)
            if self.sizes[k]:
                parts.extend((column == code).astype(jnp.float32) for code in range(self.sizes[k]))
            else:
                x = (jnp.where(absent, self.centre[k], column) - self.centre[k]) * self.scale[k]
                if self.limited:
                    x = jnp.clip(x, -_FAR, _FAR)
                    x = x / jnp.sqrt(1.0 + (x / _LIMIT) ** 2)
                parts.append(x.astype(jnp.float32))
            if self.gaps[k]:
                parts.append(absent.astype(jnp.float32))
        for k in self.embedded:
            code = jnp.where(jnp.isnan(columns[k]), self.sizes[k], columns[k])
            parts.append(code.astype(jnp.float32))
        return jnp.stack(parts, axis=1)


def learn_encoder(
    columns: Mapping[str, Vector],
    levels: Mapping[str, Sequence[Any]],
    *,
    scaled: bool,
    embeds: bool,
) -> Encoder:
    """Learn how to encode from the rows of a fit.

    A number is centred at its median and divided by the distance of its quartiles; by half its
    range where the quartiles coincide; a constant becomes 0. Numbers with two values (indicators)
    keep them at −1 and 1.

    Args:
        columns: the covariates, codes for categories.
        levels: the levels of the categorical ones.
        scaled: whether numbers are centred and scaled.
        embeds: whether a category with many levels is given by its code.

    Raises:
        DataError: a number spreads so little or so much that it cannot be scaled.
    """
    centre, scale, sizes, gaps = [], [], [], []
    for name, column in columns.items():
        present = column[~np.isnan(column)]
        # a category always has one: a level that is unknown at prediction counts as missing
        gaps.append(bool(len(present) < len(column)) or name in levels)
        sizes.append(len(levels[name]) if name in levels else 0)
        low, middle, high, step = 0.0, 0.0, 0.0, 0.0
        if scaled and name not in levels and len(present):
            low, high = float(present.min()), float(present.max())
            with np.errstate(over="ignore"):  # refused below
                first, middle, third = (float(q) for q in np.quantile(present, [0.25, 0.5, 0.75]))
            if np.all((present == low) | (present == high)):
                middle, step = 0.5 * low + 0.5 * high, 0.5 * (high - low)
            else:
                step = third - first or 0.5 * (high - low)
            if not (step == 0.0 and low == high) and not _SMALLEST < step < _LARGEST:
                raise DataError(
                    f'column "{name}" spreads over {high - low:.3g}, from {low:.3g} to {high:.3g}, '
                    "which double precision cannot scale: change its unit"
                )
        centre.append(middle)
        scale.append(1.0 if not scaled else 1.0 / step if step > 0.0 else 0.0)
    return Encoder(
        tuple(columns),
        tuple(sizes),
        np.array(centre),
        np.array(scale),
        tuple(gaps),
        scaled,
        tuple(k for k, size in enumerate(sizes) if embeds and size > _INDICATORS),
    )
