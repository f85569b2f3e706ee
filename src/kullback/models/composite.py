"""Models made of models: one flat list of parameters, of which each part sees its own."""

from __future__ import annotations

import abc
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from kullback._core.arrays import Vector
from kullback._core.display import Display, Table
from kullback._core.domains import Domain
from kullback._core.errors import ModelError
from kullback.data.schema import Schema
from kullback.models.caution import Caution
from kullback.models.model import Model
from kullback.models.source import Fixed, Free, SameAs, Source, as_source

# not typing.Self, which the checks at run time cannot follow
CompositeT = TypeVar("CompositeT", bound="Composite")

_NONE: Mapping[str, Any] = MappingProxyType({})


class Composite(Model):
    """A model whose parts are models: abstract.

    Its parameters are its own and those of the parts, a part's with a prefix: "components[0].loc";
    or without one, where there is a single part. ``sources`` is flat likewise, and it is what
    counts: a part's own sources follow it. A parameter may be tied to one of another part.

    A subclass calls ``_assemble``, and defines ``support``, the functions of a row, ``starts``, and
    ``assembled``. Each part's functions of a row get that part's parameters from ``of_part``.

    Attributes:
        parts: the parts, by the prefix of their parameters.
        settings: numbers that are not estimated, in the unit of the outcomes; None for none.
        own_parameters: names and domains of the parameters that no part has.
        own_dimensions: the powers of the outcomes' unit that these are measured in.
    """

    parts: Mapping[str, Model]
    settings: Mapping[str, float | None]
    own_parameters: Mapping[str, Domain] = _NONE
    own_dimensions: Mapping[str, int] = _NONE

    def _assemble(
        self,
        parts: Mapping[str, Any],
        settings: Mapping[str, float | None] = _NONE,
        own: Mapping[str, Any] = _NONE,
    ) -> None:
        """Set parts, settings, and the sources: the user's for its own parameters by name.

        Raises:
            ModelError: for a part that is not a model of numbers, or has a parameter of its name.
        """
        for prefix, part in parts.items():
            if not isinstance(part, Model):
                hint = f" Write kl.{part.__name__}()." if isinstance(part, type) else ""
                raise ModelError(f"{self._kind} is made of models; {part!r} is not one.{hint}")
            if part.outcome != "number":
                raise ModelError(f"{self._kind} is made of models of numbers; {part!r} has labels.")
            shared = [n for n in part.parameters if prefix + n in self.own_parameters]
            if shared:
                raise ModelError(
                    f"{self._kind} has a parameter {shared[0]} of its own, and so has its part, "
                    f"{part!r}: it needs a model without one.{_without(part, shared[0])}"
                )
        self.parts, self.settings = dict(parts), dict(settings)
        sources = {name: own.get(name) for name in self.own_parameters}
        for prefix, part in parts.items():
            sources.update({prefix + n: _flat(prefix, s) for n, s in part.sources.items()})
        self.sources = self._read_sources(sources)
        _ = self.vector  # raises for a number outside its domain before the fit does

    @classmethod
    @abc.abstractmethod
    def assembled(
        cls: type[CompositeT],
        parts: Sequence[Model],
        settings: Mapping[str, float | None],
        own: Mapping[str, Source],
    ) -> CompositeT:
        """Make the model from its parts, settings and own sources, as a saved fit lists them."""

    @classmethod
    def prefixes(cls, count: int) -> list[str]:
        """The prefixes of so many parts."""
        return [""] if count == 1 else [f"components[{k}]." for k in range(count)]

    @property
    def _kind(self) -> str:
        return type(self).__name__

    @property
    def name(self) -> str:
        """The kind of composite, and its parts: "Truncated(Weibull)"."""
        return f"{self._kind}({', '.join(part.name for part in self.parts.values())})"

    # ---- parameters and sources ------------------------------------------------------------

    @property
    def parameters(self) -> Mapping[str, Domain]:
        """Its own parameters, and those of the parts."""
        of_parts = self._flat_of_parts(lambda part: part.parameters)
        return {**self.own_parameters, **of_parts}

    def _flat_of_parts(self, of: Any) -> dict[str, Any]:
        return {prefix + n: v for prefix, part in self.parts.items() for n, v in of(part).items()}

    def with_sources(self: CompositeT, sources: Mapping[str, Source]) -> CompositeT:
        """Return the same model with other sources, of which each part has its own."""
        flat = {name: as_source(name, source) for name, source in sources.items()}
        parts = {
            prefix: part.with_sources({n: _in_part(prefix, part, n, flat) for n in part.parameters})
            for prefix, part in self.parts.items()
        }
        return self._changed(sources=flat, parts=parts)

    def with_parts(
        self: CompositeT, parts: Mapping[str, Model], *, ties: bool = True
    ) -> CompositeT:
        """Return the same model with other parts of the same prefixes, and their sources.

        Args:
            parts: the parts, by prefix.
            ties: whether to keep ties to a parameter of another part.
        """
        flat = {name: self.sources[name] for name in self.own_parameters}
        for prefix, part in parts.items():
            for n, source in part.sources.items():
                own = self.sources.get(prefix + n)
                keep = ties and isinstance(own, SameAs) and not _within(prefix, part, own)
                flat[prefix + n] = own if keep and own else _flat(prefix, source)
        return self._changed(sources=flat, parts=dict(parts))

    def with_given(self: CompositeT, sources: Mapping[str, Source]) -> CompositeT:
        """Return the same model with some sources replaced.

        Raises:
            ModelError: for a name that it lacks, or a tie to what cannot be tied to.
        """
        return self.with_sources(self._read_sources({**self.sources, **sources}))

    def _changed(self: CompositeT, **attributes: Any) -> CompositeT:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **attributes)
        return other

    def bind(self: CompositeT, schema: Schema) -> CompositeT:
        """Return the model for a sample with this schema, with its parts for it."""
        bound = super().bind(schema)
        parts = {prefix: part.bind(schema) for prefix, part in bound.parts.items()}
        same = all(part is bound.parts[prefix] for prefix, part in parts.items())
        return bound if same else bound.with_parts(parts)

    def of_part(self, prefix: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return a part's parameters by its own names, in the parametrisation that it has."""
        return {n: parameters[prefix + n] for n in self.parts[prefix].parameters}

    def defaults_of_part(self, prefix: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return a part's default parameters, as ``draw`` takes them, by its own names."""
        return {n: parameters[prefix + n] for n in self.parts[prefix].default_params}

    @property
    def default_params(self) -> Mapping[str, float | Vector]:
        """The parameters of a distribution, each part's in its default parametrisation."""
        params = self.params
        own = {name: params[name] for name in self.own_parameters}
        parts = {p: self._defaults(p, part).params for p, part in self.parts.items()}
        return {**own, **{p + n: v for p, numbers in parts.items() for n, v in numbers.items()}}

    def _defaults(self, prefix: str, part: Model) -> Model:
        """Return a part in its default parametrisation, unless that has a name of its own ones.

        (That of the log-normal has a ``loc``, as a shift is called.)
        """
        default = part.in_default()
        return (
            part if any(prefix + n in self.own_parameters for n in default.parameters) else default
        )

    def in_default(self: CompositeT) -> CompositeT:
        """Return the same distribution, each part in its default parametrisation."""
        _ = self.params  # every parameter must have a value
        flat = self.with_sources(
            {
                n: self.sources[s.other] if isinstance(s, SameAs) else s
                for n, s in self.sources.items()
            }
        )
        return flat.with_parts({p: self._defaults(p, part) for p, part in flat.parts.items()})

    # ---- names and structure ---------------------------------------------------------------

    @property
    def structure(self) -> Hashable:
        """The kind, the settings, the sources' structures and those of the parts."""
        parts = tuple((prefix, part.structure) for prefix, part in self.parts.items())
        return (super().structure, tuple(self.settings.items()), parts)

    def __repr__(self) -> str:
        """Show the call that makes the model, with ? for free parameters."""
        own = {name: self._shown_sources[name] for name in self.own_parameters}
        numbers = {name: repr(v) for name, v in self.settings.items() if v is not None}
        named = (f"{name}={shown}" for name, shown in {**numbers, **own}.items())
        return f"{self._kind}({', '.join([self._shown_parts, *named])})"

    @property
    def _shown_parts(self) -> str:
        return ", ".join(map(repr, self.parts.values()))

    def _display(self) -> Display:
        shown = super()._display()
        rows = [(name, repr(v), "not estimated") for name, v in self.settings.items()]
        if rows:
            settings = Table(rows, ("setting", "value", ""))
            shown = Display(shown.title, [settings, *shown.tables])
        return shown

    def _call_with(self, name: str) -> str:
        for prefix, part in self.parts.items():
            if name not in self.own_parameters and name.startswith(prefix):
                return part._call_with(name.removeprefix(prefix))
        return f"{self._kind}(..., {name}=...)"

    # ---- what its parts' parameters are ----------------------------------------------------

    @property
    def dimensions(self) -> Mapping[str, int]:  # type: ignore[override]  # of its parts
        """The parameters' powers of the outcomes' unit, where every part is a family of scale.

        None with settings in that unit, which belong to the rows as they are.
        """
        known = all(part.dimensions for part in self.parts.values())
        if not known or any(v is not None for v in self.settings.values()):
            return {}
        return {**self.own_dimensions, **self._flat_of_parts(lambda part: part.dimensions)}

    @property
    def limits(self) -> Mapping[str, str]:  # type: ignore[override]  # of its parts
        """Limiting models of the parts."""
        return self._flat_of_parts(lambda part: part.limits)

    @property
    def fixed_by_default(self) -> Mapping[str, float]:  # type: ignore[override]  # of its parts
        """Parameters of the parts that are fixed unless the user gives them a source."""
        return self._flat_of_parts(lambda part: part.fixed_by_default)

    def caution(self, estimates: Mapping[str, Vector]) -> Caution | None:
        """Return the first part's caution about its own estimates, or None."""
        for prefix, part in self.parts.items():
            own = {n: estimates[prefix + n] for n in part.parameters if prefix + n in estimates}
            found = part.caution(own)
            if found is not None:
                return found
        return None

    def relabelled(self, estimates: Mapping[str, Vector]) -> Mapping[str, Vector] | None:
        """Return the estimates with components of its parts in order; None where they are."""
        found: dict[str, Vector] = {}
        for prefix, part in self.parts.items():
            own = {n: estimates[prefix + n] for n in part.parameters if prefix + n in estimates}
            if {c.name for c in part.vector.coefficients} <= set(own):  # no ties to other parts
                found |= {prefix + n: v for n, v in (part.relabelled(own) or {}).items()}
        return {**estimates, **found} if found else None

    def starts_of_part(
        self, prefix: str, values: Vector, weights: Vector
    ) -> list[dict[str, float | Vector]]:
        """Return a part's starting values, by the names that its parameters have here."""
        found = self.parts[prefix].starts(values, weights)
        return [{prefix + n: v for n, v in start.items()} for start in found]


def mixes_regressions(model: Model) -> bool:
    """Whether a model is a mixture whose parts read columns, or is made of one, as if truncated."""
    if not (isinstance(model, Composite) and model.columns):
        return False
    return bool(model.components) or any(map(mixes_regressions, model.parts.values()))


def _without(part: Model, name: str) -> str:
    """Name a parametrisation of the part that lacks a parameter."""
    for other in getattr(part, "alternatives", ()):
        if name not in other.parameters:
            free = ", ".join(f"{n}=kl.Param()" for n in other.parameters)
            return f" That is kl.{part.name}({free})."
    return ""


def _flat(prefix: str, source: Source) -> Source:
    """Return a part's source with a tie to the flat name."""
    return SameAs(prefix + source.other) if isinstance(source, SameAs) else source


def _within(prefix: str, part: Model, tie: SameAs) -> bool:
    return tie.other.startswith(prefix) and tie.other.removeprefix(prefix) in part.parameters


def _in_part(prefix: str, part: Model, name: str, flat: Mapping[str, Source]) -> Source:
    """Return the source that a part has; a tie to another part is followed there."""
    source = flat[prefix + name]
    if not isinstance(source, SameAs):
        return source
    if _within(prefix, part, source):
        return SameAs(source.other.removeprefix(prefix))
    target = flat[source.other]
    return target if isinstance(target, Fixed) else Free()
