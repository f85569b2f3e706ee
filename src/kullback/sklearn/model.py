"""Any model of numbers or of classes as a scikit-learn estimator: a thin wrapper of ``kl.fit``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets

from kullback._core.arrays import Vector
from kullback.data.roles import OUTCOME
from kullback.data.series_names import name_of
from kullback.fitting import check_model
from kullback.fitting import fit as fit_model
from kullback.models.counts.bernoulli import Bernoulli
from kullback.models.formula.source import Formula
from kullback.models.labels.categorical import Categorical
from kullback.models.network import networks_of
from kullback.models.real.normal import Normal
from kullback.results.fit import Fit
from kullback.sklearn.base import TableEstimator


class ModelEstimator(TableEstimator):
    """The fit of a model to checked rows."""

    _least = (2, "one row does not say how outcomes vary: give at least two.")
    _network = ""  # the estimator of networks

    def __init__(self, model: Any = None) -> None:
        self.model = model

    def _chosen(self, outcome: str) -> Any:
        """The user's model, if it can be used here."""
        model = self.model
        if model is None:
            return None
        check_model(model)
        if networks_of(model):
            raise ValueError(
                f"model={model!r} contains a network, which kullback.sklearn.{self._network} "
                "trains."
            )
        if (model.outcome == "label" or isinstance(model, Bernoulli)) != (outcome == "label"):
            other = "ModelRegressor" if outcome == "label" else "ModelClassifier"
            what = "numbers" if outcome == "label" else "classes"
            raise ValueError(f"model={model!r} is of {what}: give it to {other}.")
        return model

    def _fit(self, model: Any, columns: dict[str, Any], y: Any, weights: Any, label: str) -> None:
        name = label if label not in columns else OUTCOME
        while name in columns:
            name += "_"
        fit: Fit = fit_model(model, {**columns, name: y}, name, weights=weights)
        if not fit.convergence.converged:
            advice = "".join(f" {text}" for text in fit.convergence.advice)
            warnings.warn(f"{fit.convergence.reason}.{advice}", ConvergenceWarning, stacklevel=3)
        self.fit_ = fit


class ModelRegressor(RegressorMixin, ModelEstimator):  # type: ignore[misc]
    """Regression by maximum likelihood: ``kl.fit(model, X, y)``; ``predict`` gives the mean.

    The model says how the distribution of y depends on the features, by a formula for any of its
    parameters: ``kl.Gamma(mean="~ age + region", shape="~ age")``. Features are a data frame, whose
    columns of text are categories, or an array of numbers, called x0, x1, ... in formulas.

    By default the model is ``kl.Normal(loc=kl.Formula("~ .", collinear="drop"))``: least squares on
    all features, with the standard deviation of the rest. No penalty is added, and a feature that
    earlier ones determine is left out. Where y is linear in the features the likelihood has no
    maximum, as the standard deviation goes to 0: a ``ConvergenceWarning`` says so, and the
    predictions are those of least squares.

    Args:
        model: a model of numbers; None for the default.

    Attributes:
        fit_: the ``kl.Fit``, with errors, intervals and tests.
        n_features_in_: the number of features.
        feature_names_in_: their names, for a data frame.

    Example:
        >>> import kullback as kl
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> regressor = ModelRegressor().fit(X, y)
        >>> round(regressor.score(X, y), 6)
        0.517748
    """

    _network = "NetworkRegressor"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ModelRegressor:
        """Fit the model.

        Args:
            X: features, shape (n, d).
            y: numbers, shape (n,).
            sample_weight: how often each row counts; a row of weight 0 is an absent row.
        """
        columns, values, weights = self._validated(X, y, sample_weight, numeric=True)
        columns, values, weights = _present(columns, np.asarray(values, np.float64), weights)
        model = self._chosen("number")
        if model is None:
            model = Normal(loc=Formula("~ .", collinear="drop"))
        self._fit(model, columns, values, weights, name_of(y) or OUTCOME)
        return self

    def predict(self, X: Any) -> Vector:
        """Return the mean of each row, shape (n,).

        Quantiles, survival and whole distributions of rows are those of ``fit_.at(X)``.

        Args:
            X: features.
        """
        columns = self._columns_to_predict(X)
        return self.fit_.at(columns).mean()


class ModelClassifier(ClassifierMixin, ModelEstimator):  # type: ignore[misc]
    """Classification by maximum likelihood: ``kl.fit(model, X, y)``.

    The model is a ``kl.Categorical`` with a formula for its logits; or, of two classes, a
    ``kl.Bernoulli``, whose outcome 1 is the second class. Features are as for ``ModelRegressor``.

    By default the logits are ``kl.Formula("~ .", collinear="drop")``: logistic regression on all
    features, multinomial for more than two classes. Unlike scikit-learn's ``LogisticRegression`` it
    adds no penalty, so that coefficients have standard errors and tests. Where the features
    separate the classes the likelihood has no maximum: a ``ConvergenceWarning`` names the features,
    and the predictions are those of the last step, with probabilities close to 0 and 1. A penalty
    makes them finite: ``kl.Categorical(logits=kl.Formula("~ .", penalty=kl.Ridge(0.01)))``.

    Args:
        model: a model of classes; None for the default.

    Attributes:
        classes_: the labels, sorted.
        fit_: the ``kl.Fit``, with errors, intervals and tests.
        n_features_in_: the number of features.
        feature_names_in_: their names, for a data frame.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> classifier = ModelClassifier().fit(X[50:, :3], y[50:])
        >>> classifier.predict_proba(X[50:53, :3]).round(3)
        array([[0.996, 0.004],
               [0.997, 0.003],
               [0.913, 0.087]])
    """

    _network = "NetworkClassifier"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ModelClassifier:
        """Fit the model.

        Args:
            X: features, shape (n, d).
            y: labels, shape (n,).
            sample_weight: how often each row counts; a row of weight 0 is an absent row.
        """
        columns, labels, weights = self._validated(X, y, sample_weight, numeric=False)
        try:
            check_classification_targets(labels)
        except ValueError as error:
            raise ValueError(f"{error} Use ModelRegressor for a quantity.") from None
        columns, labels, weights = _present(columns, labels, weights)
        classes, codes = np.unique(labels, return_inverse=True)
        model = self._chosen("label")
        if len(classes) < 2:
            raise ValueError(
                f"y has 1 class only, {classes.tolist()[0]!r}: a classifier needs at least two."
            )
        if isinstance(model, Bernoulli):
            if len(classes) > 2:
                raise ValueError(
                    f"model={model!r} is of two classes, but y has {len(classes)}: give a "
                    "kl.Categorical."
                )
            labels = codes.astype(np.float64)
        if model is None:
            model = Categorical(logits=Formula("~ .", collinear="drop"))
        self._fit(model, columns, labels, weights, name_of(y) or OUTCOME)
        self.classes_ = classes
        return self

    def predict_log_proba(self, X: Any) -> Vector:
        """Return the log-probabilities, finite even if a probability is too small for a float.

        Args:
            X: features.
        """
        columns = self._columns_to_predict(X)
        levels = self.fit_.model.levels
        return self.fit_.at(columns).log_density(at=[0.0, 1.0] if levels is None else levels)

    def predict_proba(self, X: Any) -> Vector:
        """Return the probabilities of the classes, shape (n, K).

        Args:
            X: features.
        """
        return np.exp(self.predict_log_proba(X))

    def decision_function(self, X: Any) -> Vector:
        """Return the log-probabilities; of two classes the log odds of the second, shape (n,).

        Args:
            X: features.
        """
        logs = self.predict_log_proba(X)
        return logs if len(self.classes_) > 2 else logs[:, 1] - logs[:, 0]

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row.

        Args:
            X: features.
        """
        most = np.argmax(self.predict_log_proba(X), axis=1)
        labels: NDArray[Any] = self.classes_[most]
        return labels


def _present(
    columns: dict[str, NDArray[Any]], y: NDArray[Any], weights: Vector | None
) -> tuple[dict[str, NDArray[Any]], NDArray[Any], Vector | None]:
    """Leave out the rows of weight 0: a class or a level that only they have does not exist."""
    if weights is None or bool(np.all(weights > 0.0)):
        return columns, y, weights
    rows = weights > 0.0
    return {name: column[rows] for name, column in columns.items()}, y[rows], weights[rows]
