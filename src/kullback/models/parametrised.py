"""Named parameters, a source for each, and the coefficients that the sources have."""

from __future__ import annotations

import abc
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.display import Display, Displayed, Table
from kullback._core.domains import Domain
from kullback._core.equality import same
from kullback._core.errors import ModelError, did_you_mean
from kullback.data.schema import Schema
from kullback.models.model_type import ModelType, hooks, translation
from kullback.models.other_names import translated_parameters
from kullback.models.parameter_vector import ParameterVector, free_vector
from kullback.models.source import (
    COMPONENTS,
    Coefficient,
    Fixed,
    SameAs,
    Source,
    as_source,
    numbers_of,
)

# not typing.Self, which the checks at run time cannot follow
ModelT = TypeVar("ModelT", bound="Parametrised")


class Parametrised(Displayed, metaclass=ModelType):
    """What has named parameters with a source for each: abstract.

    Attributes:
        sources: the source of each parameter, by name, in the order of ``parameters``.
    """

    sources: Mapping[str, Source]

    @property
    @abc.abstractmethod
    def parameters(self) -> Mapping[str, Domain]:
        """The parameters' names and domains, in the order of reports."""

    @abc.abstractmethod
    def with_sources(self: ModelT, sources: Mapping[str, Source]) -> ModelT:
        """Return the same model with other sources."""

    # ---- names and structure ---------------------------------------------------------------

    def __dir__(self) -> list[str]:
        hidden = hooks(type(self))
        return [name for name in super().__dir__() if name not in hidden]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            kind = type(self).__name__
            raise translation(kind, name) or AttributeError(
                f"{kind!r} object has no attribute {name!r}", name=name, obj=self
            )

    def __eq__(self, other: object) -> bool:
        """Whether it is a model of the same class with the same sources and numbers."""
        return type(self) is type(other) and same(vars(self), vars(other))

    def __hash__(self) -> int:
        return hash((type(self), tuple(self.sources)))

    @property
    def name(self) -> str:
        """The model's name in messages and reports."""
        return type(self).__name__

    @property
    def structure(self) -> Hashable:
        """What compiled code depends on, as a cache key: not the parameters' values."""
        return (type(self), tuple((k, s.structure) for k, s in self.sources.items()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the sources read."""
        return tuple(dict.fromkeys(c for s in self.sources.values() for c in s.columns))

    def bind(self: ModelT, schema: Schema) -> ModelT:
        """Return the model for a sample with this schema: itself, where it needs nothing of it.

        Sources of categories have their levels in the bound model, and models of labels their
        classes.

        Raises:
            KullbackError: for a sample that the model does not suit.
        """
        for name, source in self.sources.items():
            if isinstance(source, SameAs) and source.other not in self.sources:
                raise ModelError(
                    f"{name}={source!r} of {self.name} is tied to a parameter of a mixture that it "
                    "is a component of: it cannot be fitted by itself."
                )
        bound = {name: source.bind(schema) for name, source in self.sources.items()}
        changed = any(bound[name] is not source for name, source in self.sources.items())
        return self.with_sources(bound) if changed else self

    def _read_sources(self, arguments: Mapping[str, Any]) -> dict[str, Source]:
        """Return a source for each parameter, from the user's arguments by name."""
        unknown = [name for name in arguments if name not in self.parameters]
        if unknown:
            known = ", ".join(self.parameters)
            hint = did_you_mean(unknown[0], self.parameters)
            raise ModelError(
                translated_parameters(self.name, unknown)
                or f"{self.name} has no parameter {unknown[0]!r}{hint or '.'} It has {known}."
            )
        sources = {
            name: as_source(name, arguments.get(name)).for_parameter(domain)
            for name, domain in self.parameters.items()
        }
        for name, source in sources.items():
            of_mixture = isinstance(source, SameAs) and source.of_mixture
            if of_mixture and not name.startswith(COMPONENTS):
                continue  # the mixture checks it
            if isinstance(source, SameAs):
                target = sources.get(source.other)
                if source.other == name or target is None or isinstance(target, SameAs):
                    others = ", ".join(repr(other) for other in sources if other != name)
                    raise ModelError(
                        f"{name}={source!r}: a tie needs another parameter that is not tied "
                        f"itself, one of {others}."
                    )
        return sources

    # ---- coefficients ----------------------------------------------------------------------

    @property
    def vector(self) -> ParameterVector:
        """All coefficients in order.

        Raises:
            ModelError: where a fixed number lies outside its parameter's domain.
        """
        coefficients = tuple(c for group in self._coefficients().values() for c in group)
        if all(c.value is None and c.start is None for c in coefficients):
            return free_vector(coefficients)
        return ParameterVector(coefficients)

    @property
    def linear(self) -> bool:
        """Whether a parameter is a linear function of columns, through a link."""
        return any(source.predictor() is not source for source in self.sources.values())

    @property
    def nonlinear(self) -> tuple[str, ...]:
        """The parameters that are functions of the user's, with coefficients to estimate."""
        return tuple(
            name
            for name, source in self.sources.items()
            if source.nonlinear
            and source.coefficients(name, self.parameters[name])[0].value is None
        )

    @property
    def penalised(self) -> tuple[str, ...]:
        """The parameters whose coefficients have a penalty."""
        return tuple(name for name, source in self.sources.items() if source.penalty is not None)

    def _coefficients(self) -> dict[str, tuple[Coefficient, ...]]:
        return {
            name: source.coefficients(name, self.parameters[name])
            for name, source in self.sources.items()
        }

    def row_parameters(
        self, constrained: Sequence[Array], row: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Compute every parameter from the coefficients on the constrained scale.

        Args:
            constrained: one scalar for each constrained number, in the vector's order; or one
                array of the rows' own numbers.
            row: the columns of a block of rows.

        Returns:
            By name, a scalar, a vector (for vector parameters), or one of these a row.
        """
        parameters: dict[str, Array] = {}
        position = 0
        taken: dict[str, list[Array]] = {}
        for name, coefficients in self._coefficients().items():
            taken[name] = []
            for c in coefficients:
                numbers = constrained[position : position + c.domain.size]
                taken[name].append(numbers[0] if c.domain.size == 1 else jnp.stack(numbers, -1))
                position += c.domain.size
        ties = [name for name, source in self.sources.items() if isinstance(source, SameAs)]
        for name in [*(n for n in self.sources if n not in ties), *ties]:
            parameters[name] = self.sources[name].value(taken[name], row, parameters)
        return parameters

    def fixed_at(self: ModelT, constrained: Mapping[str, Vector]) -> ModelT:
        """Return the same model with every coefficient fixed at these values by name."""
        sources = {}
        for name, coefficients in self._coefficients().items():
            values = [constrained[c.name] for c in coefficients]
            source = self.sources[name].fixed_at(values)
            if isinstance(source, Fixed) and self.parameters[name].size == 1:
                source = Fixed(source.number.reshape(()))
            sources[name] = source
        return self.with_sources(sources)

    @property
    def params(self) -> dict[str, float | Vector]:
        """The parameters of a distribution: floats, or arrays for vectors.

        Raises:
            ModelError: while a parameter is free.
        """
        out: dict[str, float | Vector] = {}
        for name, source in self.sources.items():
            target = self.sources[source.other] if isinstance(source, SameAs) else source
            if not isinstance(target, Fixed) and target.columns:
                raise ModelError(
                    f"{name} of {self.name} depends on the row: use fit.at(data).params."
                )
            if not isinstance(target, Fixed):
                raise ModelError(
                    f"{self!r} is not a distribution yet: {name} is free. Fit it with "
                    f"kl.fit(model, data) and use fit.model, or fix it: {self._call_with(name)}."
                )
            number = target.number
            out[name] = float(number) if number.size == 1 else number.copy()
        return out

    @property
    def coefficients(self) -> dict[str, float]:
        """Every number of a fixed model by its name, as in ``fit.names``: ``"scale[age]"``.

        Raises:
            ModelError: while a parameter is free.
        """
        vector = self.vector
        if vector.free:
            _ = self.params  # raises, with the parameter that lacks a value
        numbers = vector.constrained(np.zeros(0)).tolist()
        names = (name for c in vector.coefficients for name in numbers_of(c))
        return dict(zip(names, numbers, strict=True))

    @property
    def default_params(self) -> Mapping[str, float | Vector]:
        """The parameters of a distribution in its default parametrisation, if it has several."""
        return self.params

    def in_default(self: ModelT) -> ModelT:
        """Return the same distribution in its default parametrisation; itself without several."""
        return self

    def _constrained(self) -> Vector:
        _ = self.params  # every parameter must have a value
        vector = self.vector
        constrained: Vector = vector.constrained(np.zeros(0))
        return constrained

    def _call_with(self, name: str) -> str:
        """Show the call that gives a parameter."""
        return f"{self.name}({name}=...)"

    def __repr__(self) -> str:
        """Show the call that makes the model, with ? for free parameters."""
        parts = (f"{name}={shown}" for name, shown in self._shown_sources.items())
        return f"{self.name}({', '.join(parts)})"

    @property
    def _shown_sources(self) -> dict[str, str]:
        return {
            name: "?" if type(source).__name__ == "Free" else repr(source)
            for name, source in self.sources.items()
        }

    def _display(self) -> Display:
        rows = [
            (name, "free" if shown == "?" else shown, self.parameters[name].phrase(name))
            for name, shown in self._shown_sources.items()
        ]
        return Display(self.name, [Table(rows, ("parameter", "value", "domain"))])
