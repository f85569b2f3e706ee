"""Models made of one other model, whose parameters keep their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.data.schema import Schema
from kullback.models.composite import Composite
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Fixed, Source

WrapperT = TypeVar("WrapperT", bound="Wrapper")


class Wrapper(Composite):
    """A model made of one other: abstract. See ``Composite``."""

    @property
    def base(self) -> Model:
        """The model that it is made of."""
        return self.parts[""]

    def _refuse_atoms(self) -> None:
        """Raise for a base that has a probability at 0 and densities elsewhere."""
        if self.base.atoms:
            raise ModelError(
                f"{self._kind} cannot be made of {self.base!r}, which has a probability at 0 and "
                f"densities above: write kl.Hurdle(kl.{self._kind}(...)) instead."
            )

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

    def bind(self: WrapperT, schema: Schema) -> WrapperT:
        """Return the model for a sample with this schema.

        Raises:
            ModelError: for a free parameter of the base whose estimate is an order statistic.
        """
        for name, which in self.base.order_statistics.items():
            if not isinstance(self.sources[name], Fixed):
                raise ModelError(
                    f"{self!r} cannot be fitted: the estimate of {name} of {self.base.name} is the "
                    f"{which} of the sample, which it is not here, and the likelihood has kinks. "
                    f"Fix {name}."
                )
        return super().bind(schema)

    def searched(self, vector: ParameterVector, low: float, high: float) -> ParameterVector:
        """Return the coefficients with the ends that the base has for a search."""
        return self.base.searched(vector, low, high)

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return the base's starting values."""
        return self.starts_of_part("", values, weights)

    def own_starts(self, values: Vector, weights: Vector) -> Mapping[str, float] | None:  # noqa: ARG002
        """Return starting values of its own parameters; None where the base's depend on them."""
        return None if self.own_parameters else {}

    def of_base_alone(self, values: Vector) -> NDArray[np.bool_]:
        """Return which outcomes are the base's alone, so that it can be started from them."""
        return np.ones(values.shape, dtype=bool)
