"""Models made of one other model, whose parameters keep their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from kullback._core.arrays import Vector
from kullback.models.composite import Composite
from kullback.models.model import Model
from kullback.models.source import Source

WrapperT = TypeVar("WrapperT", bound="Wrapper")


class Wrapper(Composite):
    """A model made of one other: abstract. See ``Composite``."""

    @property
    def base(self) -> Model:
        """The model that it is made of."""
        return self.parts[""]

    def of_base(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the base's parameters, in the parametrisation that it has."""
        return self.of_part("", parameters)

    @classmethod
    def assembled(
        cls: type[WrapperT],
        parts: Sequence[Model],
        settings: Mapping[str, float | None],
        own: Mapping[str, Source],
    ) -> WrapperT:
        """Make the model from its base, settings and own sources."""
        make: Any = cls
        (base,) = parts
        made: WrapperT = make(base, **settings, **own)
        return made

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return the base's starting values."""
        return self.starts_of_part("", values, weights)
