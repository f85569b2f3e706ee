"""Rows whose parameter has reached an end of its domain, beyond which a link would take it.

A probability whose logarithm is linear in columns may not exceed 1. Where the likelihood still
rises as the probability of some rows reaches 1, its maximum lies on that boundary of the
coefficients, and no search inside it finds a slope of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback.data.blocks import Block
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.objective.statistics import LossDerivatives, Statistic
from kullback.objective.zero_probability import ImpossibleRows

# A row is at the end within this part of the largest parameter: a search that such a row stops
# comes much nearer.
_NEAR = 1e-6

# Number of rows that the message shows.
_SHOWN = 3


@final
@dataclass(frozen=True)
class _AtEnd(Statistic[ImpossibleRows]):
    """Finds the rows whose parameter is at an end; arguments: constrained numbers."""

    model: Model
    is_free: tuple[bool, ...]
    name: str
    end: float

    @property
    def uses_blas(self) -> bool:
        """True."""
        return True

    def of_block(self, block: Block, arguments: Vector) -> ImpossibleRows:
        """Find the rows of one block."""
        source = self.model.sources[self.name]
        assert isinstance(source, Linear)
        assert source.link is not None
        predictors = LossDerivatives(self.model, self.is_free).predictors
        place = next(k for k, p in enumerate(predictors.each) if p.linear == self.name)
        found: list[int] = []
        before = 0
        for fields, weight, designs in predictors.runs(block):
            eta = predictors.evaluate(arguments, fields, designs)[0][place]
            value = np.asarray(source.link.inverse(jnp.asarray(eta)))
            near = np.abs(value - self.end) <= _NEAR * float(np.max(np.abs(value)))
            found += [before + int(i) for i in np.flatnonzero(near & (weight > 0.0))]
            before += weight.size
        y = block.located
        shown = tuple((block.row_number(i), float(y[i])) for i in found[:_SHOWN])
        return ImpossibleRows(len(found), shown)

    def merge(self, left: ImpossibleRows, right: ImpossibleRows) -> ImpossibleRows:
        """Add the counts."""
        return ImpossibleRows(left.count + right.count, (left.examples + right.examples)[:_SHOWN])


def at_a_boundary(
    model: Model,
    is_free: Sequence[bool],
    constrained: Vector,
    reduce: Callable[..., Any],
    locate: Callable[[int], str],
) -> tuple[str, str] | None:
    """Return reason and advice where rows have a parameter at an end of its domain; else None.

    Args:
        model: the model.
        is_free: for each constrained number, whether it is free.
        constrained: the numbers at which a search has stopped.
        reduce: adds a statistic up over the sample.
        locate: returns the name of a row, from its number.
    """
    for name, source in model.sources.items():
        if not isinstance(source, Linear) or source.link is None:
            continue
        domain, values = source.domain, source.link.values
        if not isinstance(domain, Interval):
            continue
        ends = [domain.lower] if domain.lower > values.lower else []
        ends += [domain.upper] if domain.upper < values.upper else []
        for end in ends:
            rows = reduce(_AtEnd(model, tuple(is_free), name, end), constrained)
            if rows.count:
                return _message(name, end, source.link.name, rows.phrase(locate))
    return None


def _message(name: str, end: float, link: str, rows: str) -> tuple[str, str]:
    remedy = "Use a link that keeps it inside its domain (leave link= out)"
    if end == 1.0:
        other = "kl.Poisson(rate=...)" if link == "log" else "kl.Normal(loc=...)"
        what = "ratios" if link == "log" else "differences"
        remedy += (
            f", or, for {what} of probabilities, {other} with the same columns and "
            'fit.with_covariance("sandwich") (G. Zou 2004)'
        )
    return (
        f"no maximum inside the domain: {name} reaches {end:g} in {rows}",
        f"The likelihood still increases where the {link} link takes {name} of these rows to its "
        f"end, {end:g}: the maximum lies on this boundary of the coefficients, where estimates "
        f"have no standard errors, and these coefficients are where the search met it. {remedy}.",
    )
