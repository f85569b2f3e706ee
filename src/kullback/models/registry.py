"""The library's models by name: only these can be loaded from a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import kullback.models
from kullback.models.composite import Composite
from kullback.models.family import Family
from kullback.models.log_density import LogDensity
from kullback.models.model import Model
from kullback.models.parametrisation import Reparametrised
from kullback.models.wrapper import Wrapper

# A log-density is the user's own code.
_ABSTRACT = (Model, Reparametrised, Family, Composite, Wrapper, LogDensity)


@cache
def own_models() -> Mapping[str, type[Model]]:
    """Return every public model class that a module of ``kullback.models`` defines, by name.

    New families are found without a second list. Classes defined elsewhere are left out.
    """
    found: dict[str, type[Model]] = {}
    for module in pkgutil.walk_packages(kullback.models.__path__, "kullback.models."):
        if module.name.startswith("kullback.models.modules"):
            continue  # layers of networks, which need Equinox; none of them is a model
        for name, value in vars(importlib.import_module(module.name)).items():
            here = isinstance(value, type) and value.__module__ == module.name
            public = not name.startswith("_") and value not in _ABSTRACT
            if here and public and issubclass(value, Model):
                found[name] = value
    return MappingProxyType(found)
