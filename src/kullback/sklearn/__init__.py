"""Models and networks as scikit-learn estimators: thin wrappers of ``kl.fit``.

Importing this module does not import Equinox or Optax; fitting a network does.
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

from kullback.sklearn.model import ModelClassifier, ModelRegressor
from kullback.sklearn.network_classifier import NetworkClassifier
from kullback.sklearn.network_regressor import NetworkRegressor

__all__ = ["ModelClassifier", "ModelRegressor", "NetworkClassifier", "NetworkRegressor"]
