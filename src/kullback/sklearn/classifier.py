"""The classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from kullback.calibration.inputs import log_softmax
from kullback.models.labels.categorical import Categorical
from kullback.sklearn.base import NetworkEstimator


class NetworkClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """A neural-network classifier: ``kl.fit(kl.Categorical(logits=kl.MLP(...)), X, y)``.

    Features are an array of numbers or a data frame, in which columns of text and of a categorical
    type are categories. Missing values are allowed; a category that was not seen counts as missing.
    Sparse matrices, ``partial_fit`` and warm starts are not offered.

    Args:
        hidden: widths of the hidden layers.
        activation: a name that ``kl.MLP`` knows, or a function.
        dropout: share of hidden units set to zero in training.
        normalization: None or "layer".
        skip: whether layers of equal width add their input.
        frequencies: how many random frequencies each number is expanded in; None tries them where
            next to nothing is explained without.
        members: how many networks share out the rows; None chooses by the number of rows.
        categorical_features: columns of numbers that are categories: names, places or a mask.
        epochs: how often every row is used; None chooses.
        batch: rows a step; None chooses.
        learning_rate: the largest one.
        weight_decay: of matrices.
        optimizer: an Optax transformation in place of AdamW, its learning rate and weight decay.
        held_out: share of rows held out for early stopping and calibration.
        patience: epochs without improvement after which training ends.
        random_state: a seed, a ``RandomState``, or None for a new seed at each call of ``fit``.
        calibration: None, "temperature" or "vector".
        label_smoothing: share of every label spread over all classes in training.
        class_weight: None, "balanced" (by weighted counts), or a weight by class.

    Attributes:
        classes_: the labels, sorted.
        fit_: the ``kl.TrainedFit``. Its columns have the names of the features, or x0, x1, ... of
            an array and where a feature is called "y".
        loss_curve_: training loss of every epoch, in nats, dropout, weights and smoothing included.
        validation_loss_curve_: held-out cross-entropy after calibration of every epoch, in nats.
        n_iter_: how many epochs; the weights are those of the best, number ``fit_.best``.
        n_features_in_: how many features.
        feature_names_in_: their names, of a data frame.

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
        """Train.

        Args:
            X: features, shape (n, d).
            y: labels, shape (n,).
            sample_weight: how many times each row counts.
        """
        columns, labels, weights = self._given(X, y, sample_weight, numeric=False)
        check_classification_targets(labels)
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(f"the labels hold one class only, {classes.tolist()[0]!r}")
        how = self._how(
            calibration=self._choice("calibration", None, "temperature", "vector"),
            label_smoothing=self._real("label_smoothing"),
            class_weight=self._class_weight(classes.tolist()),
        )
        network = self._network(self._categorical(X, list(columns)))
        self._keep(self._train(Categorical(logits=network), columns, labels, weights, how))
        self.classes_ = classes
        return self

    def _class_weight(self, classes: list[Any]) -> Any:
        given = self.class_weight
        if isinstance(given, Mapping):
            # as in scikit-learn: a class that this fold lacks may be named where all others are
            whole = all(label in given for label in classes)
            return {k: w for k, w in given.items() if k in classes or not whole}
        if given is not None and not isinstance(given, str):
            raise ValueError(
                f'class_weight={given!r} must be None, "balanced" or a dict of weights by class.'
            )
        return given

    def predict_proba(self, X: Any) -> Any:
        """Give the probabilities of the classes, shape (n, K).

        Args:
            X: features.
        """
        columns = self._checked(X)
        return self.fit_.predict_proba(columns)

    def predict_log_proba(self, X: Any) -> Any:
        """Give their logarithms, finite also where a probability is too small for a float.

        Args:
            X: features.
        """
        columns = self._checked(X)
        return log_softmax(self.fit_.predict_params(columns)["logits"])

    def predict(self, X: Any) -> Any:
        """Give the most probable class of each row.

        Args:
            X: features.
        """
        codes = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[codes]
