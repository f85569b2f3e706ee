"""Parametrisations of a family: the choice of one, the way there and back, and pickling."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import jax.numpy as jnp

from kullback._core.arrays import Array, Vector, float64
from kullback._core.domains import Domain
from kullback._core.errors import ModelError, did_you_mean
from kullback.models.evaluation import in_default_parameters
from kullback.models.model import Model
from kullback.models.other_names import by_name_only, translated_parameters
from kullback.models.parametrised import ModelT
from kullback.models.source import Fixed, Known, Source, as_source


@dataclass(frozen=True)
class Parametrisation:
    """An alternative parametrisation of a family.

    Attributes:
        parameters: names and domains.
        to_default: from these parameters (by keyword) to the default ones, by name.
        from_default: the inverse.
    """

    parameters: Mapping[str, Domain]
    to_default: Callable[..., Mapping[str, Array]]
    from_default: Callable[..., Mapping[str, Array]]


ReparametrisedT = TypeVar("ReparametrisedT", bound="Reparametrised")


class Reparametrised(Model):
    """A model with a default parametrisation and alternatives, chosen by naming them: abstract.

    Attributes:
        default_parameters: the names and domains of the parameters that the formulas take.
        alternatives: other parametrisations.
        required: parameters that the user must fix.
        parametrisation: the chosen alternative; None for the default one.
    """

    default_parameters: ClassVar[Mapping[str, Domain]]
    alternatives: ClassVar[Sequence[Parametrisation]] = ()
    required: ClassVar[Sequence[str]] = ()
    parametrisation: Parametrisation | None

    def __init__(self, *numbers: Any, **sources: Any) -> None:
        """Take a source for any parameter of one parametrisation; the others are free.

        Raises:
            ModelError: for parameters without their names, an unknown parameter, parameters of two
                parametrisations at once, or a number outside its parameter's domain.
        """
        if numbers:
            raise by_name_only(type(self).__name__, self.default_parameters, numbers)
        self.parametrisation = self._choose(sources)
        filled = {
            **{k: v for k, v in self.fixed_by_default.items() if k in self.parameters},
            **sources,
        }
        self.sources = self._read_sources(filled)
        for name in self.required:
            if not isinstance(self.sources[name], Fixed | Known):
                raise ModelError(
                    f"{self.name} needs {name}, which is not estimated, as a number or the name of "
                    f'a column: {self.name}({name}=...), {self.name}({name}="n").'
                )
        _ = self.vector  # raises for a number outside its domain before the fit does

    @classmethod
    def _choose(cls, sources: Mapping[str, Any]) -> Parametrisation | None:
        """Return the parametrisation with all of these names; None is the default one."""
        if all(name in cls.default_parameters for name in sources):
            return None
        for other in cls.alternatives:
            if all(name in other.parameters for name in sources):
                return other
        every = [
            list(cls.default_parameters),
            *(list(other.parameters) for other in cls.alternatives),
        ]
        known = list(dict.fromkeys(name for names in every for name in names))
        choices = "; or ".join(", ".join(names) for names in every)
        unknown = [name for name in sources if name not in known]
        if unknown:
            hint = did_you_mean(unknown[0], known)
            raise ModelError(
                translated_parameters(cls.__name__, unknown)
                or f"{cls.__name__} has no parameter {unknown[0]!r}{hint or '.'} It has {choices}."
            )
        named = ", ".join(sources)
        raise ModelError(
            f"{cls.__name__}({named}) mixes parameters of different parametrisations. "
            f"Use one set: {choices}."
        )

    # The functions of an alternative parametrisation cannot be pickled: it is stored by its place.

    def __getstate__(self) -> dict[str, Any]:
        chosen = self.parametrisation
        which = None if chosen is None else list(self.alternatives).index(chosen)
        return {**vars(self), "parametrisation": which}

    def __setstate__(self, state: dict[str, Any]) -> None:
        which = state["parametrisation"]
        chosen = None if which is None else self.alternatives[which]
        self.__dict__.update(state, parametrisation=chosen)

    @property
    def parameters(self) -> Mapping[str, Domain]:
        """The parameters' names and domains in the chosen parametrisation."""
        chosen = self.parametrisation
        return self.default_parameters if chosen is None else chosen.parameters

    @property
    def structure(self) -> Hashable:
        """The family, the parametrisation, and the sources' structures."""
        chosen = self.parametrisation
        which = -1 if chosen is None else list(self.alternatives).index(chosen)
        return (which, super().structure)

    def with_sources(self: ModelT, sources: Mapping[str, Source]) -> ModelT:
        """Return the same family, in the same parametrisation, with other sources."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.sources = {name: as_source(name, source) for name, source in sources.items()}
        return other

    def to_default(self, parameters: Mapping[str, Array]) -> Mapping[str, Array]:
        """Convert parameters of the chosen parametrisation to the default ones."""
        chosen = self.parametrisation
        return parameters if chosen is None else chosen.to_default(**parameters)

    @property
    def default_params(self) -> Mapping[str, float | Vector]:
        """The parameters of a distribution in the default parametrisation, as floats.

        A parametrisation may keep its own numbers beside them, where those have more digits.
        """
        if self.parametrisation is None:
            return self.params
        return in_default_parameters(self, self._constrained())

    def in_default(self: ReparametrisedT) -> ReparametrisedT:
        """Return the same distribution in the default parametrisation."""
        numbers = self.default_params
        other = self.with_sources({name: Fixed(numbers[name]) for name in self.default_parameters})
        other.parametrisation = None
        return other

    def from_default(self, parameters: Mapping[str, Any]) -> Mapping[str, float | Vector]:
        """Convert default parameters to the chosen parametrisation, as Python floats."""
        chosen = self.parametrisation
        if chosen is None or set(parameters) != set(self.default_parameters):
            return parameters
        with float64():
            numbers = {name: jnp.asarray(value) for name, value in parameters.items()}
            return {name: float(v) for name, v in chosen.from_default(**numbers).items()}
