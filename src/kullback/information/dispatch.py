"""One function for arrays and for models: the decorator that passes models on, and its types."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypedDict, TypeVar, Unpack, cast, overload

import jax
from numpy.typing import ArrayLike

from kullback._core.errors import KullbackError, ModelError, did_you_mean
from kullback.information.arrays.explain import Explanation, Names
from kullback.information.arrays.validation import Axis, Counts
from kullback.information.estimate import Estimate, Number
from kullback.models.model import Model

F = TypeVar("F")


class for_models(Generic[F]):  # noqa: N801  # a decorator
    """Extend a function of arrays to models: ``@for_models[type of the result]()``.

    Models go to the function of the same name in ``information.models.divergence``, which is
    imported at the first use; everything else goes to the decorated function. Keyword arguments
    other than ``unit`` and ``weights`` are for arrays only.
    """

    def __call__(self, of_arrays: Callable[..., Any]) -> F:
        """Return the function for both."""
        name, signature = of_arrays.__name__, inspect.signature(of_arrays)
        parameters = signature.parameters.values()
        operands = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        shared = (*operands, "unit", "weights")
        array_only = {p.name: p.default for p in parameters if p.name not in shared}
        known = (*signature.parameters, *_MODEL_ONLY)

        @functools.wraps(of_arrays)
        def measure(*args: Any, **keywords: Any) -> Any:
            for keyword in keywords:
                if keyword not in known:
                    hint = did_you_mean(keyword, known)
                    raise TypeError(f"{name}() has no keyword {keyword!r}{hint}")
            given = dict(zip(operands, args, strict=False))
            given |= {key: keywords[key] for key in operands if key in keywords}
            if not _are_models(given):
                _refuse(name, "models", "arrays", [key for key in keywords if key in _MODEL_ONLY])
                return of_arrays(*args, **keywords)
            wrong = [k for k, own in array_only.items() if keywords.pop(k, own) is not own]
            _refuse(name, "arrays", "models", wrong)
            from kullback.information.models import divergence
            from kullback.information.models.method_choice import Options

            options = {key: keywords.pop(key) for key in ("unit", *_MODEL_ONLY) if key in keywords}
            return getattr(divergence, name)(*args, **keywords, options=Options(**options))

        options = inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)
        public = signature.replace(parameters=[*parameters, options])
        measure.__signature__ = public  # type: ignore[attr-defined]  # what help() shows
        return cast("F", measure)


def _are_models(given: Mapping[str, Any]) -> bool:
    """Say whether the arguments are models rather than arrays, and refuse a mixture."""
    for name, value in given.items():
        if isinstance(value, type):
            raise ModelError(
                f"{name} is the class {value.__name__}: give a distribution of it, with its "
                "parameters fixed, or an array of probabilities"
            )
        if not isinstance(value, Model) and isinstance(getattr(value, "model", None), Model):
            raise ModelError(f"{name} is a {type(value).__name__}: pass its model, fit.model")
    are_models = {name: isinstance(value, Model) for name, value in given.items()}
    if any(are_models.values()) and not all(are_models.values()):
        model, other = sorted(given, key=lambda name: not are_models[name])
        raise ModelError(
            f"{model} is the model {given[model]!r} and {other} is of type "
            f"{type(given[other]).__name__}: give two models or two arrays. Probabilities of "
            "labels are the model kl.Categorical(probabilities=...)"
        )
    return all(are_models.values())


def _refuse(function: str, kind: str, other: str, wrong: Sequence[str]) -> None:
    if wrong:
        raise KullbackError(
            f"{wrong[0]}= goes with {kind}, and {function} was given {other}: leave it out"
        )


class ModelOptions(TypedDict, total=False):
    """Keywords of the measures of models."""

    unit: str  # nats, bits or hartleys
    method: str  # "closed form", "quadrature" or "monte carlo"; "auto" takes the first that serves
    level: float  # of the interval, as 0.95
    draws: int  # of a simulation
    seed: Any  # of a simulation, a whole number


_MODEL_ONLY = tuple(name for name in ModelOptions.__annotations__ if name != "unit")


class _ListOptions(TypedDict, total=False):
    unit: str
    counts: Counts


class _ArrayOptions(_ListOptions, total=False):
    axis: Axis


class _ExplainOptions(_ArrayOptions, total=False):
    names: Names


class _Weights(TypedDict, total=False):
    weights: tuple[float, float]


class _WeightedModels(ModelOptions, _Weights): ...


class _WeightedLists(_ListOptions, _Weights): ...


class _WeightedArrays(_ArrayOptions, _Weights): ...


# Overlaps of overloads are ignored where a JAX array is array-like too: the first match counts.


class OfOne(Protocol):
    """The types of a measure of one distribution."""

    @overload
    def __call__(self, p: Model, **options: Unpack[ModelOptions]) -> Estimate: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, p: jax.Array, *, axis: Axis = ..., unit: str = ..., counts: bool = ...
    ) -> jax.Array: ...
    @overload
    def __call__(self, p: Sequence[float], *, unit: str = ..., counts: bool = ...) -> float: ...
    @overload
    def __call__(
        self, p: ArrayLike, *, axis: Axis = ..., unit: str = ..., counts: bool = ...
    ) -> Number: ...


class OfTwo(Protocol):
    """The types of a measure of two distributions that can be explained symbol by symbol."""

    @overload
    def __call__(self, p: Model, q: Model, **options: Unpack[ModelOptions]) -> Estimate: ...
    @overload
    def __call__(
        self,
        p: ArrayLike,
        q: ArrayLike,
        *,
        explain: Literal[True],
        **options: Unpack[_ExplainOptions],
    ) -> Explanation: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, p: jax.Array, q: ArrayLike, **options: Unpack[_ArrayOptions]
    ) -> jax.Array: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, p: ArrayLike, q: jax.Array, **options: Unpack[_ArrayOptions]
    ) -> jax.Array: ...
    @overload
    def __call__(
        self, p: Sequence[float], q: Sequence[float], **options: Unpack[_ListOptions]
    ) -> float: ...
    @overload
    def __call__(self, p: ArrayLike, q: ArrayLike, **options: Unpack[_ArrayOptions]) -> Number: ...


class OfTwoWeighted(Protocol):
    """The types of a measure of two weighted distributions."""

    @overload
    def __call__(self, p: Model, q: Model, **options: Unpack[_WeightedModels]) -> Estimate: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, p: jax.Array, q: ArrayLike, **options: Unpack[_WeightedArrays]
    ) -> jax.Array: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, p: ArrayLike, q: jax.Array, **options: Unpack[_WeightedArrays]
    ) -> jax.Array: ...
    @overload
    def __call__(
        self, p: Sequence[float], q: Sequence[float], **options: Unpack[_WeightedLists]
    ) -> float: ...
    @overload
    def __call__(
        self, p: ArrayLike, q: ArrayLike, **options: Unpack[_WeightedArrays]
    ) -> Number: ...
