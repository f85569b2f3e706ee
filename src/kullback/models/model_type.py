"""The metaclass of models, by which ``dir`` and ``help`` list what users call."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NoReturn

from kullback.models.calls import CheckedCalls
from kullback.models.other_names import translated_method

# What dir() and help() show of a model. The other public names of the library's own classes are
# hooks for authors of models, or for the library.
_FOR_USERS = (
    {"log_density", "density", "log_cdf", "cdf", "log_survival", "survival", "quantile", "sample"}
    | {"hazard", "cumulative_hazard", "mean", "variance", "entropy"}
    | {"name", "parameters", "params", "sources", "support"}
)


def hooks(kind: type) -> set[str]:
    """The public names of a model class that are not for users."""
    own = [base for base in kind.__mro__ if base.__module__.startswith("kullback.")]
    declared = {name for base in own for name in (*vars(base), *inspect.get_annotations(base))}
    return {name for name in declared if not name.startswith("_")} - _FOR_USERS


def translation(kind: str, name: str) -> AttributeError | None:
    """The error for a method's name in other libraries, None for other names."""
    message = translated_method(kind, name)
    # without ``name`` and ``obj`` Python adds no suggestion, which would be another method
    return AttributeError(message) if message else None


class ModelType(CheckedCalls):
    """The type of model classes: ``dir`` and ``help`` of a model list what users call."""

    def __dir__(cls) -> list[str]:  # noqa: N805  # of a metaclass
        """List the public names of a model without the hooks."""
        hidden = hooks(cls)
        return [n for n in super().__dir__() if not n.startswith("_") and n not in hidden]

    if not TYPE_CHECKING:  # a type checker would take every attribute for known

        def __getattr__(cls, name: str) -> NoReturn:  # noqa: N805
            raise translation(cls.__name__, name) or AttributeError(
                f"type object {cls.__name__!r} has no attribute {name!r}", name=name, obj=cls
            )
