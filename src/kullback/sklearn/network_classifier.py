"""The scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from kullback.calibration.inputs import log_softmax
from kullback.data.series_names import label_of
from kullback.models.labels.categorical import Categorical
from kullback.sklearn.network import NetworkEstimator
from kullback.training.targets import class_factors


class NetworkClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """A neural-network classifier: ``kl.fit(kl.Categorical(logits=kl.MLP(...)), X, y)``.

    Features are an array of numbers or a data frame, in which columns of text and of a categorical
    type are categories. Missing values are allowed; a category that did not occur in ``fit`` counts
    as missing. Sparse matrices, ``partial_fit`` and warm starts are not supported.

    Args:
        hidden: widths of the hidden layers.
        activation: a name, as for ``kl.MLP``, or a function.
        dropout: share of hidden units set to zero in training.
        normalization: None or "layer".
        skip: whether layers of equal width add their input.
        frequencies: number of random frequencies per numeric feature; None tries them if next to
            nothing is explained without.
        members: number of networks trained on different parts of the rows; None chooses by the
            number of rows.
        categorical_features: numeric columns that are categories: names, indices or a mask.
        epochs: number of passes over the rows; None chooses.
        batch: rows per step; None chooses.
        learning_rate: the largest learning rate.
        weight_decay: of weight matrices.
        optimizer: an Optax transformation instead of AdamW, its learning rate and weight decay.
        held_out: share of rows held out for early stopping and calibration.
        patience: epochs without improvement after which training ends.
        random_state: a seed, a ``RandomState``, or None for a new seed in each ``fit``.
        calibration: None, "temperature" or "vector".
        label_smoothing: share of every label spread over all classes in training.
        class_weight: None, "balanced" (by weighted counts), or a weight by class, for training and
            ``predict``. After a calibration, probabilities are those of rows as they are.

    Attributes:
        classes_: the labels, sorted.
        fit_: the ``kl.TrainedFit``. Its columns have the names of the features; for an array, or if
            a feature is called "y", they are x0, x1, ...
        loss_curve_: training loss of every epoch, in nats, dropout, weights and smoothing included.
        validation_loss_curve_: held-out cross-entropy after calibration of every epoch, in nats.
        n_iter_: the number of epochs; the weights are those of the best, ``fit_.best``.
        n_features_in_: the number of features.
        feature_names_in_: their names, for a data frame.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> classifier = NetworkClassifier((16,), members=1, learning_rate=0.02, random_state=0)
        >>> classifier.fit(X, y).score(X, y) > 0.9
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
            frequencies=frequencies,
            members=members,
            categorical_features=categorical_features,
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
        """Train the network.

        Args:
            X: features, shape (n, d).
            y: labels, shape (n,).
            sample_weight: weights of the rows.
        """
        columns, labels, weights = self._validated(X, y, sample_weight, numeric=False)
        try:
            check_classification_targets(labels)
        except ValueError as error:
            raise ValueError(f"{error} Use NetworkRegressor for a quantity.") from None
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(
                f"y has a single class, {classes.tolist()[0]!r}; a classifier needs at least two"
            )
        solver = self._solver(
            calibration=self._choice("calibration", None, "temperature", "vector"),
            label_smoothing=self._real("label_smoothing"),
            class_weight=self._class_weight(classes.tolist()),
        )
        network = self._network(self._categorical(X, list(columns)))
        model, label = Categorical(logits=network), label_of(y, "y")
        self._keep(self._train(model, columns, labels, weights, solver, label))
        self.classes_ = classes
        codes = np.searchsorted(classes, labels)
        totals = np.bincount(codes, weights=weights, minlength=len(classes)).astype(np.float64)
        self._decision_weights = class_factors(solver.class_weight, classes.tolist(), "y", totals)
        return self

    def _class_weight(self, classes: list[Any]) -> Any:
        weights = self.class_weight
        if isinstance(weights, Mapping):
            # as in scikit-learn: classes that this fold lacks are allowed if all others are named
            complete = all(label in weights for label in classes)
            return {k: w for k, w in weights.items() if k in classes or not complete}
        if weights is not None and not isinstance(weights, str):
            raise ValueError(
                f'class_weight={weights!r} must be None, "balanced" or a dict of weights by class.'
            )
        return weights

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes, shape (n, K).

        Args:
            X: features.
        """
        columns = self._columns_to_predict(X)
        return self.fit_.predict_proba(columns)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the log-probabilities, finite even if a probability is too small for a float.

        Args:
            X: features.
        """
        columns = self._columns_to_predict(X)
        return log_softmax(self.fit_.predict_params(columns)["logits"])

    def predict(self, X: Any) -> Any:
        """Return the class of each row with the largest probability times its class weight.

        Args:
            X: features.
        """
        scores = self.predict_proba(X)
        # without a calibration the probabilities are those of weighted rows already
        if self.class_weight is not None and self.calibration is not None:
            scores = scores * self._decision_weights
        return self.classes_[np.argmax(scores, axis=1)]
