"""Networks as scikit-learn estimators: a thin façade of ``kl.fit``.

Importing this module loads neither Equinox nor Optax nor matplotlib; fitting an estimator does.
"""

from __future__ import annotations

from importlib import import_module

try:
    _known = hasattr(import_module("sklearn.utils.validation"), "validate_data")
except ImportError:
    _known = False
if not _known:  # told in words: it is an optional dependency
    raise ImportError(
        'kullback.sklearn needs scikit-learn 1.6 or newer: pip install "kullback[sklearn]"'
    )

from kullback.sklearn.classifier import NetworkClassifier
from kullback.sklearn.regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
