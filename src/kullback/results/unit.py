"""The unit that rows are fitted in: their own, or a power of two for very large or small ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.errors import DataError
from kullback.data.sample import RowSource
from kullback.data.scaled import ScaledSample
from kullback.models.evaluation import SMALLEST
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.rescaling import holds, in_unit, suitable_power, units
from kullback.objective.sample_summary import SampleSummary
from kullback.results.convergence import Convergence
from kullback.results.convergence_check import on_bounds


@final
@dataclass(frozen=True)
class Unit:
    """A unit of 2^power, with the model and the sample in it.

    Attributes:
        given: the user's model.
        model: the model of the rows in this unit.
        sample: the rows in this unit.
        power: the exponent; 0 for the rows' own unit.
    """

    given: Model
    model: Model
    sample: RowSource
    power: int = 0

    @classmethod
    def of(cls, model: Model, sample: RowSource, known: SampleSummary) -> Unit:
        """Choose the unit from the extremes of the sample.

        Raises:
            DataError: for rows below the range of doubles with all their digits.
        """
        _refuse_subnormal(model, sample, known)
        # of an event that is not exact the likelihood is a probability, without a unit
        exact = all("y" in kind.fields for kind in known.kinds) and not model.columns
        low, high = known.minimum, known.maximum
        if exact and low > high:  # every row has a window: the thinned outcomes are as large
            low, high = float(known.values.min()), float(known.values.max())
        power = suitable_power(model, low, high) if exact else 0
        converted = in_unit(model, power) if power else None
        if converted is None:
            return cls(model, model, sample)
        return cls(model, converted, ScaledSample(sample, -power), power)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Say in an error which unit its numbers have."""
        try:
            yield
        except DataError as error:
            if not self.power:
                raise
            raise DataError(
                f"{error} These values are of the rows times 2^{-self.power}.",
                reason=error.reason,
            ) from None

    def described(self, convergence: Convergence, vector: ParameterVector) -> Convergence:
        """Return the convergence of a fit in this unit, with its bounds in the rows' own."""
        if not self.power:
            return convergence
        exponents = dict(
            zip(
                (c.name for c in vector.coefficients),
                units(self.model, vector, self.power).tolist(),
                strict=True,
            )
        )
        own = {name: np.ldexp(v, exponents[name]) for name, v in vector.on_bound.items()}
        bounds, _ = on_bounds(self.given, replace(self.given.vector, on_bound=own))
        note = (
            f"The fit was computed from the rows times 2^{-self.power}, which changes no digit; "
            "the estimates are those of the rows as they are."
        )
        return replace(convergence, bounds=bounds, advice=(*convergence.advice, note))

    def refuse_beyond(self, params: Mapping[str, Any], convergence: Convergence) -> None:
        """Raise where an estimate has no double with all its digits.

        Raises:
            DataError: with the parameter and a remedy.
        """
        wrong = [name for name, value in params.items() if not holds(np.asarray(value))]
        if wrong:
            why = "" if convergence.converged else f" ({convergence.reason})"
            raise DataError(
                f"{self.given.name} cannot be fitted to {self.sample.label}: the estimate of "
                f"{wrong[0]} is beyond the range of double precision, 2.2e-308 to 1.8e308{why}. "
                f"Multiply {self.sample.label} by a power of ten that brings its rows near 1."
            )


def _refuse_subnormal(model: Model, sample: RowSource, known: SampleSummary) -> None:
    """Raise for rows so small that doubles lose their digits, where these count."""
    at_zero = model.support.lower == 0.0 and not model.discrete and known.minimum < SMALLEST
    tiny = max(abs(known.minimum), abs(known.maximum)) < SMALLEST and known.minimum < known.maximum
    if model.discrete or not (at_zero or tiny):
        return
    for chunk in sample.chunks():
        y = chunk.kind.located(chunk.fields)
        found = np.flatnonzero((y != 0.0) & (np.abs(y) < SMALLEST))
        if found.size:
            i = int(found[0])
            row = chunk.first_row + i if chunk.rows is None else int(chunk.rows[i])
            raise DataError(
                f"{model.name} cannot be fitted: {sample.locate(row)} of {sample.label} is "
                f"{float(y[i])!r}, below 2.2e-308, where doubles lose their digits. Multiply "
                f"{sample.label} by a power of ten that brings its rows near 1."
            )
