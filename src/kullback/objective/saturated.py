"""The cross-entropy of the saturated model: a mean of its own for every row, at its outcome."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback.data.observation import RowKind
from kullback.objective.statistics import FittedSums

_Numbers = Mapping[str, Any]

# By family and parameter, the value of it at which a row's outcome is most probable, given the
# other parameters: for these families the one at which the mean is the outcome.
AT_OUTCOME: Mapping[str, Mapping[str, Callable[[Any, _Numbers], Any]]] = {
    "Poisson": {"rate": lambda y, _: y},
    "NegativeBinomial": {
        "mean": lambda y, _: y,
        "probability": lambda y, p: p["size"] / (p["size"] + y),
    },
    "Geometric": {"mean": lambda y, _: y, "probability": lambda y, _: 1.0 / (1.0 + y)},
    "Binomial": {
        "probability": lambda y, p: y / p["trials"],
        "logit": lambda y, p: jnp.log(y) - jnp.log(p["trials"] - y),
    },
    "Normal": {"loc": lambda y, _: y},
    "LogNormal": {"loc": lambda y, _: jnp.log(y), "median": lambda y, _: y},
    "Exponential": {"rate": lambda y, _: 1.0 / y, "scale": lambda y, _: y},
    "Gamma": {
        "mean": lambda y, _: y,
        "rate": lambda y, p: p["shape"] / y,
        "scale": lambda y, p: y / p["shape"],
    },
    "InverseGaussian": {"mean": lambda y, _: y},
}

# Outcomes that the saturated model gives the probability 1: no event, and of trials all or none.
_CERTAIN_AT_ZERO = ("Poisson", "NegativeBinomial", "Geometric", "Binomial")


@final
@dataclass(frozen=True)
class SaturatedLoss(FittedSums):
    """Σ w and Σ w ℓ of the saturated model, whose other parameters are those of a fitted model.

    Attributes:
        parameter: the one that is free in every row, of ``AT_OUTCOME``.
    """

    parameter: str

    @property
    def structure(self) -> Hashable:
        """What is summed, the model's structure, and the parameter."""
        return (super().structure, self.parameter)

    def rows(
        self,
        kind: RowKind,  # noqa: ARG002
        arguments: Sequence[Array],
        row: Mapping[str, Array],
    ) -> Sequence[Array]:
        """1, and the loss at the outcome's own mean."""
        parameters = self.model.row_parameters(arguments, row)
        y, name = row["y"], self.model.name
        certain = jnp.zeros_like(y, dtype=bool)
        if name in _CERTAIN_AT_ZERO:
            certain = y == 0.0
        if name == "Binomial":
            certain = certain | (y == parameters["trials"])
            parameters = {
                **parameters,
                "trials": jnp.where(certain, 2.0, parameters["trials"]),
            }
        safe = jnp.where(certain, 1.0, y)
        at = AT_OUTCOME[name][self.parameter](safe, parameters)
        loss = -self.model.row_log_density(safe, {**parameters, self.parameter: at})
        return (jnp.ones(()), jnp.where(certain, 0.0, loss))
