"""Whether a measure was given models or arrays, and that its keywords go with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from kullback._core.errors import KullbackError, ModelError, did_you_mean
from kullback.information.arrays.validation import Axis, Counts
from kullback.models.model import Model


class ModelOptions(TypedDict, total=False):
    """Keywords that go with models only.

    Attributes:
        method: "auto", "closed form", "quadrature" or "monte carlo"; auto takes the first of these
            that there is.
        level: of the interval, as 0.95.
        draws: how many draws a simulation makes.
        seed: of a simulation.
    """

    method: str
    level: float
    draws: int
    seed: Any


def of_arrays(
    axis: Axis, counts: Counts, explain: bool = False, names: Sequence[object] | None = None
) -> dict[str, bool]:
    """Tell which keywords of arrays were given."""
    return {
        "axis": axis != -1,
        "counts": counts is not False,
        "explain": explain,
        "names": names is not None,
    }


def are_models(
    function: str,
    given: Mapping[str, Any],
    array_only: Mapping[str, bool],
    options: Mapping[str, Any],
) -> bool:
    """Tell whether the arguments are models, and refuse what does not go together."""
    known = tuple(ModelOptions.__annotations__)
    for keyword in options:
        if keyword not in known:
            hint = did_you_mean(keyword, (*array_only, "unit", *known))
            raise TypeError(f"{function}() has no keyword {keyword!r}{hint}")
    for name, value in given.items():
        if isinstance(value, type):
            raise ModelError(
                f"{name} is the class {value.__name__}: give a distribution of it, with its "
                "parameters fixed, or an array of probabilities"
            )
        if not isinstance(value, Model) and isinstance(getattr(value, "model", None), Model):
            raise ModelError(f"{name} is a {type(value).__name__}: pass its model, fit.model")
    models = {name: isinstance(value, Model) for name, value in given.items()}
    if any(models.values()) and not all(models.values()):
        model, other = sorted(given, key=lambda name: not models[name])
        raise ModelError(
            f"{model} is the model {given[model]!r} and {other} is of type "
            f"{type(given[other]).__name__}: give two models or two arrays. Probabilities of "
            "labels are the model kl.Categorical(probabilities=...)"
        )
    of_models = all(models.values())
    wrong = [k for k, is_given in array_only.items() if is_given] if of_models else list(options)
    if wrong:
        kinds = ("arrays", "models") if of_models else ("models", "arrays")
        raise KullbackError(
            f"{wrong[0]}= goes with {kinds[0]}, and {function} was given {kinds[1]}: leave it out"
        )
    return of_models
