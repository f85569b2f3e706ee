"""How the terms of rows in their predictors are computed: by NumPy, or by compiled code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback._core.numpy_program import NUMPY_PROGRAMS
from kullback.data.blocks import TILE
from kullback.data.observation import RowKind
from kullback.objective.row_terms import (
    RowDerivatives,
    count_terms,
    of_length,
    terms_by_reverse,
    without_products,
)

# Of many rows, NumPy computes formulas of up to so many operations on rows: as fast as compiled
# code, which takes seconds to compile. (ns a row in runs of 4,096, slope and all terms: Bernoulli 7
# and 12, compiled 12 and 21; Normal 12 and 33, 30 and 47; Weibull 22 and 38, 23 and 34; Student t
# with 123 operations 28 and 69, 31 and 57; negative binomial with 632 123 and 352, 44 and 107.)
_SHORT = 160

# Rows that NumPy computes at once: their terms stay in a core's cache from one operation to the
# next. (In runs of 2,048 Weibull rows take a fifth longer.)
_AT_ONCE = 2 * TILE


@final
@dataclass(frozen=True)
class RowPrograms:
    """How the terms of rows are computed.

    Attributes:
        varies: for each predictor, whether rows differ in it.
        free: the predictors to differentiate in.
        columns: the columns that the loss of a row reads, beside the predictors.
        by_reverse: whether to differentiate in all of them at once, by compiled code.
        in_numpy: whether NumPy computes long formulas of many rows too, where it can.
        length: the rows that compiled code takes.
    """

    varies: tuple[bool, ...]
    free: tuple[int, ...]
    columns: tuple[str, ...]
    by_reverse: bool
    in_numpy: bool
    length: int

    def of_rows(
        self,
        derivatives: RowDerivatives,
        kind: RowKind,
        fields: Mapping[str, Vector],
        values: Sequence[Vector],
        kept: slice,
        *,
        few: bool,
    ) -> Vector:
        """Return some of ℓ, ∂ℓ and ∂²ℓ of rows, shape (terms, rows).

        Args:
            derivatives: of a row, in the predictors.
            kind: of the rows.
            fields: their columns.
            values: the predictors, vectors of the rows or of one number.
            kept: which terms.
            few: whether all rows of the kind are in one tile.
        """
        names = (*kind.fields, *(n for n in self.columns if n not in kind.fields))
        if not self.by_reverse:
            every = few or self.in_numpy
            known = self._in_numpy(derivatives, kind, names, fields, values, kept, every=every)
            if known is not None:
                return known
        varies, free = self.varies, self.free

        def build() -> Callable[[tuple[Array, ...], tuple[Array, ...]], Sequence[Array]]:
            def terms(values: tuple[Array, ...], columns: tuple[Array, ...]) -> Sequence[Array]:
                row = dict(zip(names, columns, strict=True))
                numbers = [v if many else v[0] for v, many in zip(values, varies, strict=True)]
                if self.by_reverse:
                    loss, slope, second = terms_by_reverse(derivatives, kind, free, numbers, row)
                    return [slope] if kept.start else [loss, slope, second]
                found = without_products(derivatives.rows(kind, numbers, row), len(free))[kept]
                return [jnp.broadcast_to(term, columns[0].shape) for term in found]

            return terms

        columns = [fields[name] for name in names]
        rows, run = columns[0].size, TILE if few else self.length
        key = ("predictors", derivatives.structure, varies, kind, names, run, kept.start)
        out = np.empty((len(range(count_terms(len(free)))[kept]), rows))
        for begin in range(0, rows, run):
            part = slice(begin, min(begin + run, rows))
            at = tuple(
                of_length(v[part], run) if many else v
                for v, many in zip(values, varies, strict=True)
            )
            own = tuple(of_length(column[part], run) for column in columns)
            place = 0
            for found in map(np.atleast_2d, COMPILED.call(key, build, at, own)):
                out[place : place + len(found), part] = found[:, : part.stop - begin]
                place += len(found)
        return out

    def _in_numpy(
        self,
        derivatives: RowDerivatives,
        kind: RowKind,
        names: Sequence[str],
        fields: Mapping[str, Vector],
        values: Sequence[Vector],
        kept: slice,
        *,
        every: bool,
    ) -> Vector | None:
        """The terms of rows, in NumPy; None where the formula must be compiled, or is long."""
        rows = [a for a, many in enumerate(self.varies) if many]
        numbers = [a for a, many in enumerate(self.varies) if not many]
        split, count = len(names), len(names) + len(rows)

        def formula(*inputs: Array) -> Sequence[Array]:
            row = dict(zip(names, inputs[:split], strict=True))
            at = dict(zip([*rows, *numbers], inputs[split:], strict=True))
            each = [at[a] for a in range(len(self.varies))]
            return without_products(derivatives.rows(kind, each, row), len(self.free))

        key = ("predictors", derivatives.structure, tuple(rows), kind, tuple(names))
        program = NUMPY_PROGRAMS.get(key, formula, len(numbers), count)
        program = None if program is None else program.part(kept)
        if program is None or not (every or program.row_operations <= _SHORT):
            return None
        columns = [fields[name] for name in names] + [values[a] for a in rows]
        alike = [values[a][0] for a in numbers]
        out = np.empty((len(range(count_terms(len(self.free)))[kept]), columns[0].size))
        with np.errstate(all="ignore"):  # in the branches that a row does not take
            for begin in range(0, columns[0].size, _AT_ONCE):
                part = slice(begin, begin + _AT_ONCE)
                found = program.of_rows(*(column[part] for column in columns), *alike)
                for own, value in zip(out, found, strict=True):
                    own[part] = value
        return out
