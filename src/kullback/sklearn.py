"""Networks as scikit-learn estimators: a thin façade of ``kl.fit``, with no numerics of its own.

Importing this module loads neither Equinox nor Optax nor matplotlib; fitting an estimator does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_is_fitted,
        column_or_1d,
        validate_data,
    )
except ImportError as error:  # told in words: it is an optional dependency
    raise ImportError(
        'kullback.sklearn needs scikit-learn 1.6 or newer: pip install "kullback[sklearn]"'
    ) from error

from kullback.fitting import fit as fit_model
from kullback.models.categorical import Categorical
from kullback.models.continuous import Normal
from kullback.models.network import MLP
from kullback.solvers.minibatch import Minibatch

__all__ = ["NetworkClassifier", "NetworkRegressor"]


class _NetworkEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the classifier and the regressor share: hyper-parameters and their checks."""

    def __init__(
        self,
        hidden: Any = (256, 256),
        activation: Any = "silu",
        *,
        dropout: Any = 0.15,
        normalization: Any = None,
        skip: Any = False,
        members: Any = None,
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
        self.members = members
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.held_out = held_out
        self.patience = patience
        self.random_state = random_state

    def _network(self) -> MLP:
        return MLP(
            hidden=self.hidden,
            activation=self.activation,
            dropout=self.dropout,
            normalization=self.normalization,
            skip=self.skip,
            members=self.members,
        )

    def _how(self, **options: Any) -> Minibatch:
        seed = self.random_state
        if seed is None:
            seed = 0
        elif isinstance(seed, np.random.RandomState):
            seed = int(seed.randint(2**31 - 1))
        return Minibatch(
            epochs=self.epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            optimizer=self.optimizer,
            held_out=self.held_out,
            patience=self.patience,
            seed=int(seed),
            **options,
        )

    def _train(self, model: Any, X: Any, y: Any, sample_weight: Any, how: Minibatch) -> None:
        if len(y) < 2:
            raise ValueError("n_samples=1: one row must be trained on and another held out")
        self.fit_ = fit_model(model, np.asarray(X), y, weights=sample_weight, solver=how)
        self.loss_curve_ = [epoch.training for epoch in self.fit_.history]
        self.validation_loss_curve_ = [epoch.refined for epoch in self.fit_.history]
        self.n_iter_ = len(self.fit_.history)

    def _features(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        # float32 arithmetic: rows in another grouping round differently
        tags.non_deterministic = False
        return tags


class NetworkClassifier(ClassifierMixin, _NetworkEstimator):  # type: ignore[misc]
    """A neural-network classifier: ``kl.fit(kl.Categorical(logits=kl.MLP(...)), X, y)``.

    Args:
        hidden: widths of the hidden layers.
        activation: a name that ``kl.MLP`` knows, or a function.
        dropout: share of hidden units set to zero in training.
        normalization: None or "layer".
        skip: whether layers of equal width add their input.
        members: how many networks share out the rows; None chooses by the number of rows.
        epochs: how often every row is used; None chooses.
        batch: rows a step; None chooses.
        learning_rate: the largest one.
        weight_decay: of matrices.
        optimizer: an Optax transformation in place of AdamW.
        held_out: share of rows held out for early stopping and calibration.
        patience: epochs without improvement after which training ends.
        random_state: seed; None is 0.
        calibration: None, "temperature" or "vector".
        label_smoothing: share of every label spread over all classes in training.
        class_weight: None, "balanced", or a weight by class.

    Attributes:
        classes_: the labels.
        fit_: the ``kl.TrainedFit``.
        loss_curve_: training loss of every epoch, in nats.
        validation_loss_curve_: held-out cross-entropy after calibration of every epoch, in nats.
        n_iter_: how many epochs.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> classifier = NetworkClassifier(hidden=(16,), members=1, learning_rate=0.02).fit(X, y)
        >>> classifier.score(X, y) > 0.9
        True
    """

    def __init__(
        self,
        hidden: Any = (256, 256),
        activation: Any = "silu",
        *,
        dropout: Any = 0.15,
        normalization: Any = None,
        skip: Any = False,
        members: Any = None,
        epochs: Any = None,
        batch: Any = None,
        learning_rate: Any = 3e-3,
        weight_decay: Any = 0.02,
        optimizer: Any = None,
        held_out: Any = 0.1,
        patience: Any = 25,
        random_state: Any = None,
        calibration: Any = "temperature",
        label_smoothing: Any = 0.0,
        class_weight: Any = None,
    ) -> None:
        super().__init__(
            hidden,
            activation,
            dropout=dropout,
            normalization=normalization,
            skip=skip,
            members=members,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            optimizer=optimizer,
            held_out=held_out,
            patience=patience,
            random_state=random_state,
        )
        self.calibration = calibration
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkClassifier:
        """Train.

        Args:
            X: features, shape (n, d); missing values are NaN.
            y: labels, shape (n,).
            sample_weight: weights of the rows.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"the labels hold one class only, {self.classes_[0]!r}")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        codes = np.searchsorted(self.classes_, y)
        weight = self.class_weight
        if isinstance(weight, dict):
            places = {label: code for code, label in enumerate(self.classes_.tolist())}
            weight = {places.get(label, label): value for label, value in weight.items()}
        how = self._how(
            calibration=self.calibration,
            label_smoothing=self.label_smoothing,
            class_weight=weight,
        )
        self._train(Categorical(logits=self._network()), X, codes, sample_weight, how)
        return self

    def predict_proba(self, X: Any) -> Any:
        """Give the probabilities of the classes, shape (n, K).

        Args:
            X: features.
        """
        features = self._features(X)
        return self.fit_.predict_proba(features)

    def predict_log_proba(self, X: Any) -> Any:
        """Give their logarithms.

        Args:
            X: features.
        """
        with np.errstate(divide="ignore"):  # a probability of 0 is one
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Any:
        """Give the most probable class of each row.

        Args:
            X: features.
        """
        codes = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[codes]


class NetworkRegressor(RegressorMixin, _NetworkEstimator):  # type: ignore[misc]
    """Neural regression: ``kl.fit(kl.Normal(loc=kl.MLP(...), scale=kl.MLP(...)), X, y)``.

    The parameters are those of ``NetworkClassifier`` without calibration and class weights. The
    mean and the standard deviation are both networks of the features.

    Attributes:
        fit_: the ``kl.TrainedFit``.
        loss_curve_: training loss of every epoch, in nats.
        validation_loss_curve_: held-out cross-entropy of every epoch, in nats.
        n_iter_: how many epochs.

    Example:
        >>> import numpy as np
        >>> X = np.linspace(-1.0, 1.0, 200)[:, None]
        >>> regressor = NetworkRegressor(hidden=(16,), members=1, learning_rate=0.02)
        >>> regressor.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.8
        True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkRegressor:
        """Train.

        Args:
            X: features, shape (n, d); missing values are NaN.
            y: numbers, shape (n,).
            sample_weight: weights of the rows.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", y_numeric=True
        )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        # the networks start from outputs near one, whatever the unit of y
        self._middle = float(np.mean(y))
        self._spread = float(np.std(y)) or 1.0
        scaled = (np.asarray(y, dtype=np.float64) - self._middle) / self._spread
        model = Normal(loc=self._network(), scale=self._network())
        self._train(model, X, scaled, sample_weight, self._how())
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Give the mean of each row, and its standard deviation if asked.

        Args:
            X: features.
            return_std: whether to give the standard deviation too.
        """
        check_is_fitted(self)
        found = self.fit_.predict_params(self._features(X))
        mean = self._middle + self._spread * found["loc"]
        return (mean, self._spread * found["scale"]) if return_std else mean
