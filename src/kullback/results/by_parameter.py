"""The numbers of a model, grouped by the parameter that they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError, did_you_mean
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import numbers_of

Number: TypeAlias = "float | Vector"


def flat(value: Any) -> Vector:
    """Return the numbers of a parameter as one vector, also where they are by coefficient."""
    if isinstance(value, Mapping):
        return np.concatenate([np.ravel(flat(own)) for own in value.values()])
    return np.atleast_1d(value)


@final
@dataclass(frozen=True, eq=False)
class Group:
    """The numbers of one parameter, or a single number.

    Attributes:
        names: their names.
        at: their positions among all numbers.
        parameter: the parameter.
        scalar: whether they are one number and not a vector.
    """

    names: tuple[str, ...]
    at: NDArray[np.intp]
    parameter: str
    scalar: bool

    def of(self, numbers: Vector) -> Number:
        """Pick these from all numbers."""
        return float(numbers[self.at[0]]) if self.scalar else numbers[self.at]

    def by_coefficient(self, form: Model, numbers: Vector) -> Any:
        """Pick these from all numbers, as the parameter's source shows them."""
        source = form.sources[self.parameter]
        return source.by_coefficient(numbers[self.at]) if source.named else self.of(numbers)


def groups_of(form: Model, vector: ParameterVector) -> dict[str, Group]:
    """Group all numbers of a model by parameter; a tie has those of the parameter it equals."""
    places: dict[str, tuple[tuple[str, ...], range]] = {}
    begin = 0
    for c in vector.coefficients:
        places[c.name] = numbers_of(c), range(begin, begin + c.domain.size)
        begin += c.domain.size
    out: dict[str, Group] = {}
    for name, source in form.sources.items():
        own = source.coefficients(name, form.parameters[name])
        if not own:
            other = getattr(source, "other", name)
            if other == name:  # a column beside the outcome
                continue
            own = form.sources[other].coefficients(other, form.parameters[other])
        names = tuple(n for c in own for n in places[c.name][0])
        at = np.array([i for c in own for i in places[c.name][1]], dtype=np.intp)
        scalar = at.size == 1 and form.parameters[name].size == 1 and not source.named
        out[name] = Group(names, at, name, scalar)
    return out


def chosen_groups(
    form: Model, vector: ParameterVector, names: Sequence[str] | None
) -> dict[str, Group]:
    """Return the groups of some parameters, or single numbers, by name; None for all parameters.

    Raises:
        KullbackError: for a name that the model lacks.
    """
    groups = groups_of(form, vector)
    if names is None:
        return groups
    if isinstance(names, str):
        raise KullbackError(f"parameters must be a list of names, such as [{names!r}].")
    known = dict(groups)
    for group in groups.values():
        for i, name in enumerate(group.names):
            known.setdefault(name, Group((name,), group.at[i : i + 1], group.parameter, True))
    for name in names:
        if name not in known:
            hint = did_you_mean(str(name), known)
            raise KullbackError(
                f"{form.name} has no parameter {name!r}{hint or '.'} It has {', '.join(known)}."
            )
    return {name: known[name] for name in names}
