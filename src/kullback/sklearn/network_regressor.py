"""The scikit-learn regressor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.exceptions import ConvergenceWarning

from kullback.data.series_names import label_of
from kullback.models.real.normal import Normal
from kullback.sklearn.network import NetworkEstimator

# Squares of larger values, as in a variance, leave the range of doubles.
_LARGEST = 1e150


class NetworkRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """Neural regression: ``kl.fit(kl.Normal(loc=kl.MLP(...), scale=kl.MLP(...)), X, y)``.

    The parameters are those of ``NetworkClassifier`` without calibration, label smoothing and class
    weights. The mean and the standard deviation are each a network of the features.

    Attributes:
        fit_: the ``kl.TrainedFit``, as for a classifier.
        loss_curve_: training loss of every epoch, in nats: mean −log density of y.
        validation_loss_curve_: held-out cross-entropy of every epoch, in nats.
        n_iter_: the number of epochs; the weights are those of the best, ``fit_.best``.
        n_features_in_: the number of features.
        feature_names_in_: their names, for a data frame.

    Example:
        >>> import numpy as np
        >>> X = np.linspace(-1.0, 1.0, 200)[:, None]
        >>> regressor = NetworkRegressor((16,), members=1, learning_rate=0.02, random_state=0)
        >>> regressor.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.8
        True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkRegressor:
        """Train the networks.

        Args:
            X: features, shape (n, d).
            y: numbers, shape (n,).
            sample_weight: weights of the rows.
        """
        columns, values, weights = self._validated(X, y, sample_weight, numeric=True)
        values = np.asarray(values, dtype=np.float64)
        used = values if weights is None else values[weights > 0.0]
        largest = float(np.max(np.abs(used)))
        if largest > _LARGEST:
            raise ValueError(
                f"y reaches {largest:.3g}, which is too large: change its unit, so that values "
                f"stay below {_LARGEST:g}."
            )
        if used.min() == used.max():
            warnings.warn(
                f"y is constant, {used[0]:g}: the likelihood is unbounded as the standard "
                "deviation goes to 0, so the estimated standard deviation is not meaningful",
                ConvergenceWarning,
                stacklevel=2,
            )
        network = self._network(self._categorical(X, list(columns)))
        model = Normal(loc=network, scale=network)
        self._keep(self._train(model, columns, values, weights, self._solver(), label_of(y, "y")))
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the mean of each row and, on request, its standard deviation.

        Args:
            X: features.
            return_std: whether to return the standard deviation too.
        """
        columns = self._columns_to_predict(X)
        params = self.fit_.predict_params(columns)
        return (params["loc"], params["scale"]) if return_std else params["loc"]
