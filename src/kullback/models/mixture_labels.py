"""The components of a mixture: the order of those that could change places, and degenerate ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.caution import Caution
from kullback.models.composite import Composite
from kullback.models.evaluation import mean_in_numpy
from kullback.models.model import Model
from kullback.models.source import Fixed, Free, SameAs

# A component narrower than this part of the mixture has collapsed, where the search has not ended:
# a search ends at a maximum that is as narrow.
_NARROW = 1e-5

# A weight below this tends to 0 where the search has not ended, and one below the other anywhere.
_LIGHT, _NOTHING = 1e-3, 1e-12

# Two components whose places and widths differ by less than this part of a width are equal: no
# sample distinguishes them.
_EQUAL = 1e-3

# Regressions are equal where all coefficients agree to so many digits.
_EQUAL_NUMBERS = 1e-5


def in_order(
    mixture: Composite,
    values: Mapping[str, Vector],
    located: Sequence[tuple[float, float]] | None = None,
) -> dict[str, Vector] | None:
    """Return the numbers with components that could change places in order; None where they are.

    Args:
        mixture: the mixture.
        values: every coefficient by name.
        located: where each component lies, and how wide it is; None for that of these numbers.
    """
    prefixes = list(mixture.parts)
    groups = [group for group in interchangeable(mixture) if len(group) > 1]
    if not groups:
        return None
    place = list(range(len(prefixes)))
    keys: Sequence[Any] = (
        _coefficients(mixture, values) if mixture.columns else located or _located(mixture, values)
    )
    for group in groups:
        for to, k in zip(group, sorted(group, key=lambda k: keys[k]), strict=True):
            place[to] = k
    if place == list(range(len(prefixes))):
        return None
    out = dict(values)
    out["weights"] = _placed(values["weights"], place)
    shared = _shared(mixture)
    for to, k in enumerate(place):
        for name in mixture.parts[prefixes[to]].parameters:
            if prefixes[to] + name in values and prefixes[to] + name not in shared:
                out[prefixes[to] + name] = values[prefixes[k] + name]
    return out


def _coefficients(mixture: Composite, values: Mapping[str, Vector]) -> list[tuple[float, ...]]:
    """Return the numbers of each component that are its own, in the order of its parameters."""
    found, shared = [], _shared(mixture)
    for prefix, part in mixture.parts.items():
        names = [prefix + n for n in part.parameters]
        own = [values[name] for name in names if name in values and name not in shared]
        found.append(tuple(np.concatenate(own).tolist() if own else ()))
    return found


def _placed(weights: Vector, place: Sequence[int]) -> Vector:
    """Return the weights of components in other places; of columns, against the new first one."""
    if weights.size == len(place):
        return weights[list(place)]
    each = weights.reshape(len(place) - 1, -1)
    every = np.vstack([np.zeros(each.shape[1]), each])[list(place)]
    return np.asarray((every[1:] - every[0]).ravel())


def interchangeable(mixture: Composite) -> list[list[int]]:
    """Return the components in groups of those that could change places, by their sources."""
    shared = _shared(mixture)
    weights = mixture.sources["weights"]
    kinds: list[Any] = []
    for k, (prefix, part) in enumerate(mixture.parts.items()):
        sources: list[Any] = []
        for name in part.parameters:
            source = mixture.sources[prefix + name]
            if isinstance(source, SameAs) and not source.other.startswith(prefix):
                sources.append(source)
            elif prefix + name in shared:
                sources.append(SameAs(prefix + name))
            else:
                own_source = part.sources[name]
                # bound to the same columns, but for each component by itself
                sources.append(own_source.structure if own_source.columns else own_source)
        weight = float(weights.number[k]) if isinstance(weights, Fixed) else None
        kinds.append((type(part), part.structure, sources, weight))
    groups: list[list[int]] = []
    for k, kind in enumerate(kinds):
        for group in groups:
            if kinds[group[0]] == kind:
                group.append(k)
                break
        else:
            groups.append([k])
    return groups


def degenerate(mixture: Composite, estimates: Mapping[str, Vector]) -> Caution | None:
    """Return a caution about a component that has collapsed, lost its weight, or equals another."""
    if not {c.name for c in mixture.vector.coefficients} <= set(estimates):
        return None
    names = [prefix.rstrip(".") for prefix in mixture.parts]
    if mixture.columns:
        return _degenerate_regressions(mixture, estimates, names)
    weights = estimates["weights"]
    located = _located(mixture, estimates)
    whole = max(m + width for m, width in located) - min(m - width for m, width in located)
    for name, (m, width) in zip(names, located, strict=True):
        if not mixture.discrete and width < _NARROW * whole:
            m = m if abs(m) > 1e-12 * whole else 0.0  # a rounded 0
            return Caution(
                f"{name} narrows around the single value {m:.6g}, where the likelihood is "
                "unbounded. Choose fewer components, tie their scales, kl.same_as(...), or bound "
                "them from below, kl.Param(lower=...).",
                no_maximum=True,
                reason=f"{name} has collapsed on the value {m:.6g}",
                unfinished=True,
                instead=True,
            )
    light = _light(names, weights)
    if light is not None:
        return light
    for group in interchangeable(mixture):
        for i, k in pairwise(group):
            (m, width), (other, another) = located[i], located[k]
            if max(abs(m - other), abs(width - another)) <= _EQUAL * width:
                return _equal(names[i], names[k])
    return None


def _light(names: Sequence[str], weights: Vector) -> Caution | None:
    """Return a caution about a component without weight."""
    for name, weight in zip(names, weights, strict=True):
        if weight < _LIGHT:
            return Caution(
                f"The other components describe the rows as well without {name}: leave it out.",
                no_maximum=True,
                reason=f"the weight of {name} tends to 0",
                unfinished=weight > _NOTHING,
                instead=True,
            )
    return None


def _equal(one: str, other: str) -> Caution:
    return Caution(
        "Fewer components describe the rows as well.",
        no_maximum=True,
        reason=f"{one} and {other} are equal: their weights are not identified",
        instead=True,
    )


def _degenerate_regressions(
    mixture: Composite, estimates: Mapping[str, Vector], names: Sequence[str]
) -> Caution | None:
    """Return a caution about regressions: a scale that collapses, no weight, or equal ones."""
    scales = [
        (name, float(estimates[prefix + "scale"][0]))
        for name, prefix in zip(names, mixture.parts, strict=True)
        if not mixture.sources.get(prefix + "scale", Free()).columns
        and prefix + "scale" in estimates
    ]
    for name, scale in scales:
        if scale < _NARROW * max(other for _, other in scales):
            return Caution(
                f"{name} narrows around rows that its regression passes through, where the "
                "likelihood is unbounded. Choose fewer components, tie their scales, "
                "kl.same_as(...), or bound them from below, kl.Param(lower=...).",
                no_maximum=True,
                reason=f"{name} has collapsed on a few rows",
                unfinished=True,
                instead=True,
            )
    constant = not mixture.sources["weights"].columns
    light = _light(names, estimates["weights"]) if constant else None
    if light is not None:
        return light
    found = _coefficients(mixture, estimates)
    for group in interchangeable(mixture):
        for i, k in pairwise(group):
            a, b = np.array(found[i]), np.array(found[k])
            if np.all(np.abs(a - b) <= _EQUAL_NUMBERS * (np.abs(a) + np.abs(b))):
                return _equal(names[i], names[k])
    return None


def _shared(mixture: Composite) -> set[str]:
    """The parameters that those of other components are tied to."""
    return {
        source.other
        for prefix, part in mixture.parts.items()
        for name in part.parameters
        if isinstance(source := mixture.sources[prefix + name], SameAs)
        and not source.other.startswith(prefix)
    }


def _located(mixture: Composite, values: Mapping[str, Vector]) -> list[tuple[float, float]]:
    """Return each component's mean, or median, and how far its inner nine tenths extend."""
    with np.errstate(all="ignore"):
        return [_centre(part) for part in mixture.fixed_at(values).parts.values()]


def _centre(part: Model) -> tuple[float, float]:
    low, median, high = part.quantile(np.array([0.05, 0.5, 0.95])).tolist()
    mean = mean_in_numpy(part, part._constrained())
    return mean if mean is not None and math.isfinite(mean) else median, high - low
