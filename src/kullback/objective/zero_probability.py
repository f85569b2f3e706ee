"""Find and name the rows to which a model gives probability zero: their loss is +inf."""

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

# Number of rows that an error shows.
_SHOWN = 3

# The reason code of the error.
ZERO_PROBABILITY = "zero probability"


@final
@dataclass(frozen=True)
class ImpossibleRows:
    """The number of rows with probability zero, and the first of them with their outcomes."""

    count: int
    examples: tuple[tuple[int, float], ...]

    def phrase(self, locate: Callable[[int], str], when: str = "") -> str:
        """Return their number and the names of the first of them, as text."""
        shown = ", ".join(f"{locate(row)} ({value!r})" for row, value in self.examples)
        more = "" if self.count <= _SHOWN else ", ..."
        return f"{self.count:,} row{'' if self.count == 1 else 's'}{when}: {shown}{more}"


@final
@dataclass(frozen=True)
class FindImpossible(Statistic[ImpossibleRows]):
    """Finds the rows whose log-density is −inf or NaN; arguments: constrained numbers."""

    model: Model

    def of_block(self, block: Block, arguments: Vector) -> ImpossibleRows:
        """Find the rows of one block."""
        names, model, kind = tuple(block.fields), self.model, block.kind

        def build() -> Callable[[Array, tuple[Array, ...]], Array]:
            def terms(constrained: Array, fields: tuple[Array, ...]) -> Array:
                row = dict(zip(names, fields, strict=True))
                numbers = [constrained[i] for i in range(arguments.size)]
                return log_term_anywhere(kind, model, model.row_parameters(numbers, row), row)

            return terms

        key = (FindImpossible, model.structure, kind, names, block.capacity)
        values = COMPILED.call(key, build, arguments, tuple(block.fields.values()))
        terms = np.asarray(values)[: block.count]
        at = np.flatnonzero(~(terms > -np.inf))
        y = block.located
        shown = tuple((block.row_number(int(i)), float(y[i])) for i in at[:_SHOWN])
        return ImpossibleRows(at.size, shown)

    def merge(self, left: ImpossibleRows, right: ImpossibleRows) -> ImpossibleRows:
        """Add the counts."""
        return ImpossibleRows(left.count + right.count, (left.examples + right.examples)[:_SHOWN])


def refuse_impossible_rows(
    model: Model, constrained: Vector, reduce: Callable[..., Any], locate: Callable[[int], str]
) -> None:
    """Raise if the model gives probability zero to rows.

    Args:
        model: the model.
        constrained: its constrained numbers.
        reduce: adds up a statistic over the sample.
        locate: returns the name of a row, from its number.

    Raises:
        DataError: with the names of the first such rows.
    """
    found: ImpossibleRows = reduce(FindImpossible(model), constrained)
    if found.count:
        rows = found.phrase(locate, when=" at every starting point")
        if model.nonlinear:
            needs = " and ".join(model.parameters[n].phrase(n) for n in model.nonlinear)
            raise DataError(
                f"{model!r} gives probability zero to {rows}. The function's value must lie in the "
                f"parameter's domain, {needs}, in every row: give other starting values, or write "
                "it so that it does, such as jnp.exp(a + b * x) for a positive parameter.",
                reason=ZERO_PROBABILITY,
            )
        raise DataError(
            f"{model!r} gives probability zero to {rows}. Change the fixed values, give a starting "
            f"value, kl.Param(start=...), or leave {'it' if found.count == 1 else 'them'} out.",
            reason=ZERO_PROBABILITY,
        )
