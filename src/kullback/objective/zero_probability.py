"""Naming the rows to which a model gives probability zero: they cost +inf."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback._core.errors import DataError
from kullback.data.blocks import Block
from kullback.models.model import Model
from kullback.objective.log_terms import log_term_anywhere
from kullback.objective.statistics import Statistic

# How many rows an error shows.
_SHOWN = 3


@final
@dataclass(frozen=True)
class Found:
    """Impossible rows: how many, and the first of them with their outcomes."""

    count: int
    examples: tuple[tuple[int, float], ...]

    def phrase(self, locate: Callable[[int], str], when: str = "") -> str:
        """Say how many rows these are, and name the first of them."""
        shown = ", ".join(f"{locate(row)} ({value!r})" for row, value in self.examples)
        more = "" if self.count <= _SHOWN else ", ..."
        return f"{self.count:,} row{'' if self.count == 1 else 's'}{when}: {shown}{more}"


@final
@dataclass(frozen=True)
class Impossible(Statistic[Found]):
    """Finds the rows whose log-density is −inf or not a number; arguments: constrained numbers."""

    model: Model

    def of_block(self, block: Block, arguments: Vector) -> Found:
        """Look through one block."""
        names, model, kind = tuple(block.fields), self.model, block.kind

        def build() -> Callable[[Array, tuple[Array, ...]], Array]:
            def terms(constrained: Array, fields: tuple[Array, ...]) -> Array:
                row = dict(zip(names, fields, strict=True))
                numbers = [constrained[i] for i in range(arguments.size)]
                return log_term_anywhere(kind, model, model.row_parameters(numbers, row), row)

            return terms

        key = (Impossible, model.structure, kind, names, block.capacity)
        values = COMPILED.call(key, build, arguments, tuple(block.fields.values()))
        terms = np.asarray(values)[: block.count]
        at = np.flatnonzero(~(terms > -np.inf))
        y = block.fields["y"]
        shown = tuple((block.row_number(int(i)), float(y[i])) for i in at[:_SHOWN])
        return Found(at.size, shown)

    def merge(self, left: Found, right: Found) -> Found:
        """Add the counts."""
        return Found(left.count + right.count, (left.examples + right.examples)[:_SHOWN])


def refuse_impossible_rows(
    model: Model, constrained: Vector, reduce: Callable[..., Any], locate: Callable[[int], str]
) -> None:
    """Raise if the model gives probability zero to rows, naming them.

    Args:
        model: the model.
        constrained: its constrained numbers.
        reduce: adds a statistic up over the sample.
        locate: names a row, given its number.

    Raises:
        DataError: with the first such rows.
    """
    found: Found = reduce(Impossible(model), constrained)
    if found.count:
        rows = found.phrase(locate, when=" wherever the fit started")
        raise DataError(
            f"{model!r} gives probability zero to {rows}. Change what is fixed, give another "
            f"start with kl.Param(start=...), or leave {'it' if found.count == 1 else 'them'} out."
        )
