"""Networks as scikit-learn estimators: a thin wrapper of ``kl.fit``.

Importing this module does not import Equinox or Optax; fitting an estimator does.
"""

from __future__ import annotations

from importlib import import_module

from kullback._core.extras import how_to_install

try:
    _supported = hasattr(import_module("sklearn.utils.validation"), "validate_data")
except ImportError:
    _supported = False
if not _supported:  # an optional dependency
    raise ImportError(
        f"kullback.sklearn needs scikit-learn 1.6 or newer. {how_to_install('sklearn')}"
    )

from kullback.sklearn.classifier import NetworkClassifier
from kullback.sklearn.regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
