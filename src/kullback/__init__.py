"""Fit any probabilistic model by maximum likelihood, and decompose its loss in nats or bits.

import kullback as kl

fit = kl.fit(kl.Gamma(), x)
print(fit.summary())

A name is imported when it is first used: ``__init__.pyi`` says from where.
"""

import importlib as _importlib
from typing import Any as _Any

import lazy_loader as _lazy_loader

__version__ = "0.1.0"

_public, __dir__, __all__ = _lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> _Any:
    """Import a public name, or name the right one for a name that other libraries use."""
    if name in __all__:
        return _public(name)
    if name == "sklearn":  # not in __all__: scikit-learn takes a second to import
        return _importlib.import_module("kullback.sklearn")
    from kullback._core.other_names import unknown_name

    raise AttributeError(unknown_name(name, __all__))
