"""The base class of the networks: hyper-parameters and training."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from kullback.data.arrays import shown
from kullback.fitting import fit as fit_model
from kullback.models.network import MLP
from kullback.results.trained import TrainedFit
from kullback.sklearn.base import TableEstimator
from kullback.sklearn.features import categorical_indices, categorical_types
from kullback.solvers.minibatch import Minibatch


class NetworkEstimator(TableEstimator):
    """The hyper-parameters and the training of both networks."""

    _missing = True
    _least = (2, "training needs at least one row to train on and one to hold out")
    _advice = (
        "train one regressor for each column, as sklearn.multioutput does",
        "shares of classes and votes go to kl.fit(kl.Categorical(logits=kl.MLP()), X, y)",
    )

    def __init__(
        self,
        hidden: Any = (256, 256),
        activation: Any = "silu",
        *,
        dropout: Any = 0.15,
        normalization: Any = None,
        skip: Any = False,
        frequencies: Any = None,
        members: Any = None,
        categorical_features: Any = None,
        epochs: Any = None,
        batch: Any = None,
        learning_rate: Any = 3e-3,
        weight_decay: Any = 0.02,
        optimizer: Any = None,
        held_out: Any = 0.1,
        patience: Any = 25,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.normalization = normalization
        self.skip = skip
        self.frequencies = frequencies
        self.members = members
        self.categorical_features = categorical_features
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.held_out = held_out
        self.patience = patience
        self.random_state = random_state

    # ---- hyper-parameters as Python values: a search draws NumPy's ----------------------------

    def _integer(self, name: str, least: int, *, none: bool = False) -> Any:
        value = getattr(self, name)
        if none and value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            choice = " or None" if none else ""
            raise ValueError(
                f"{name}={shown(value)} must be a whole number of at least {least}{choice}."
            )
        return int(value)

    def _real(self, name: str) -> float:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise ValueError(f"{name}={shown(value)} must be a number.")
        return float(value)

    def _choice(self, name: str, *choices: Any) -> Any:
        value = getattr(self, name)
        if value not in choices:
            raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, choices))}.")
        return value

    def _network(self, categorical: tuple[str, ...]) -> MLP:
        widths = np.atleast_1d(np.asarray(self.hidden))
        if widths.ndim > 1 or (widths.size and widths.dtype.kind not in "iu"):
            raise ValueError(
                f"hidden={self.hidden!r} must be the widths of the hidden layers, such as (64, 64)."
            )
        return MLP(
            hidden=tuple(widths.tolist()),
            activation=self.activation,
            dropout=self._real("dropout"),
            normalization=self._choice("normalization", None, "layer"),
            skip=bool(self._choice("skip", True, False)),
            frequencies=self._integer("frequencies", 0, none=True),
            members=self._integer("members", 1, none=True),
            categorical=categorical,
        )

    def _solver(self, **options: Any) -> Minibatch:
        held_out = self._real("held_out")
        if not 0.0 < held_out < 1.0:
            raise ValueError(
                f"held_out={self.held_out!r} must be a share of the rows between 0 and 1; kl.fit "
                "also takes separate rows."
            )
        if self.optimizer is not None and not hasattr(self.optimizer, "update"):
            raise ValueError(
                f"optimizer={self.optimizer!r} must be None or an Optax transformation, such as "
                "optax.adam(1e-3)."
            )
        random = check_random_state(self.random_state)
        is_seed = isinstance(self.random_state, (int, np.integer))
        return Minibatch(
            epochs=self._integer("epochs", 1, none=True),
            batch=self._integer("batch", 1, none=True),
            learning_rate=self._real("learning_rate"),
            weight_decay=self._real("weight_decay"),
            optimizer=self.optimizer,
            held_out=held_out,
            patience=self._integer("patience", 1),
            seed=int(self.random_state if is_seed else random.randint(2**31 - 1)),
            **options,
        )

    # ---- features -----------------------------------------------------------------------------

    def _categorical(self, X: Any, names: list[str]) -> tuple[str, ...]:
        """The names of columns that are categories whatever their values."""
        known = list(getattr(self, "feature_names_in_", ()))
        indices = categorical_indices(self.categorical_features, len(names), known)
        return tuple(names[k] for k in sorted({*indices, *categorical_types(X)}))

    # ---- training -----------------------------------------------------------------------------

    def _train(
        self, model: Any, columns: Any, y: Any, weights: Any, solver: Minibatch, label: str
    ) -> TrainedFit:
        fit: TrainedFit = fit_model(model, columns, y, weights=weights, solver=solver)
        fit = replace(fit, label=label)
        if not fit.converged:
            warnings.warn(fit.reason, ConvergenceWarning, stacklevel=3)
        return fit

    def _keep(self, fit: TrainedFit) -> None:
        self.fit_ = fit
        self.loss_curve_ = [epoch.training for epoch in fit.history]
        self.validation_loss_curve_ = [epoch.refined for epoch in fit.history]
        self.n_iter_ = len(fit.history)
