"""The base class of all estimators: how features, outcomes and weights are read and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_is_fitted,
    validate_data,
)

from kullback.data.roles import OUTCOME
from kullback.data.tables import read_table
from kullback.sklearn.features import check_no_missing, explain_text_columns, is_frame


class TableEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """An estimator of arrays of numbers, and of data frames with columns of any type."""

    # whether features may be missing, and the least number of rows with the reason for it
    _missing = False
    _least = (1, "")
    # what to do with several columns of outcomes: with numbers, and with labels
    _advice = (
        "fit one regressor for each column, as sklearn.multioutput does",
        "fit one classifier for each column, as sklearn.multioutput does",
    )

    @property
    def _finite(self) -> bool | str:
        return "allow-nan" if self._missing else True

    def _validated(
        self, X: Any, y: Any, sample_weight: Any, *, numeric: bool
    ) -> tuple[dict[str, Any], Any, Any]:
        """Check the arguments of ``fit`` as scikit-learn does; return columns, y and weights."""
        shape = np.shape(np.asarray(y))
        if len(shape) == 2 and shape[1] > 1:
            raise ValueError(
                f"y should be a 1d array, got an array of shape {shape} instead: "
                f"{self._advice[not numeric]}."
            )
        if y is not None:
            check_no_missing(y)
        if is_frame(X):
            validate_data(self, X, y, skip_check_array=True)
            y = _check_y(y, y_numeric=numeric, estimator=self)
            check_consistent_length(X, y)
        else:
            with explain_text_columns(X):
                X, y = validate_data(
                    self,
                    X,
                    y,
                    dtype=np.float64,
                    ensure_all_finite=self._finite,
                    y_numeric=numeric,
                )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            if np.any(sample_weight < 0.0) or not np.any(sample_weight > 0.0):
                raise ValueError("sample_weight must be at least 0, and above 0 for some rows.")
        least, why = self._least
        if len(y) < least:
            raise ValueError(f"n_samples={len(y)}: {why}")
        return self._columns(X), y, sample_weight

    def _columns(self, X: Any) -> dict[str, Any]:
        """Columns of X by their names in the model."""
        table = read_table(X) if is_frame(X) else None
        columns = X.T if table is None else [table.column(name) for name in table.names]
        return dict(zip(self._names(), columns, strict=True))

    def _names(self) -> list[str]:
        """The names of the features in the model."""
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        if not names or OUTCOME in names:  # the name of the outcome
            names = [f"x{k}" for k in range(self.n_features_in_)]
        return names

    def _columns_to_predict(self, X: Any) -> dict[str, Any]:
        """The columns of rows to predict, checked against those of ``fit``."""
        check_is_fitted(self)
        with explain_text_columns(X):
            X = validate_data(
                self,
                X,
                reset=False,
                dtype=np.float64,
                ensure_all_finite=self._finite,
                ensure_min_samples=0,
                skip_check_array=is_frame(X),
            )
        return self._columns(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._missing
        return tags
