"""Pearson's chi-squared statistic of a fitted model, in one pass over exact rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback.data.observation import RowKind
from kullback.objective.statistics import FittedSums


@final
@dataclass(frozen=True)
class PearsonSums(FittedSums):
    """Σ w, Pearson's statistic Σ w (y − μ)²/V, and its variance Σ w (2 + κ), for fixed numbers.

    The fourth central moment of an outcome with variance V is V² (3 + κ).
    The model is a Poisson or a binomial one.
    """

    def rows(
        self,
        kind: RowKind,  # noqa: ARG002
        arguments: Sequence[Array],
        row: Mapping[str, Array],
    ) -> Sequence[Array]:
        """1, the squared Pearson residual, and its variance where the model is right."""
        parameters = self.model.row_parameters(arguments, row)
        mean = self.model.moment("mean", parameters)
        variance = self.model.moment("variance", parameters)
        excess = 1.0 / variance
        if self.model.name == "Binomial":  # (1 − 6 p (1 − p))/V
            p = mean / parameters["trials"]
            excess = (1.0 - 6.0 * p * (1.0 - p)) / variance
        residual = row["y"] - mean
        return (jnp.ones(()), residual * residual / variance, 2.0 + excess)
