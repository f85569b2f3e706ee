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
from kullback.models.source import Fixed, SameAs, Source

# A component narrower than this part of the mixture has collapsed, where the search has not ended:
# a search ends at a maximum that is as narrow.
_NARROW = 1e-5

# A weight below this tends to 0 where the search has not ended, and one below the other anywhere.
_LIGHT, _NOTHING = 1e-3, 1e-12

# Two components whose places and widths differ by less than this part of a width are equal: no
# sample distinguishes them.
_EQUAL = 1e-3


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
    if not groups or mixture.columns:
        return None
    place = list(range(len(prefixes)))
    located = located or _located(mixture, values)
    for group in groups:
        for to, k in zip(group, sorted(group, key=lambda k: located[k]), strict=True):
            place[to] = k
    if place == list(range(len(prefixes))):
        return None
    out = dict(values)
    out["weights"] = values["weights"][place]
    shared = _shared(mixture)
    for to, k in enumerate(place):
        for name in mixture.parts[prefixes[to]].parameters:
            if prefixes[to] + name in values and prefixes[to] + name not in shared:
                out[prefixes[to] + name] = values[prefixes[k] + name]
    return out


def interchangeable(mixture: Composite) -> list[list[int]]:
    """Return the components in groups of those that could change places, by their sources."""
    shared = _shared(mixture)
    weights = mixture.sources["weights"]
    kinds: list[Any] = []
    for k, (prefix, part) in enumerate(mixture.parts.items()):
        sources: list[Source] = []
        for name in part.parameters:
            source = mixture.sources[prefix + name]
            if isinstance(source, SameAs) and not source.other.startswith(prefix):
                sources.append(source)
            elif prefix + name in shared:
                sources.append(SameAs(prefix + name))
            else:
                sources.append(part.sources[name])
        own = float(weights.number[k]) if isinstance(weights, Fixed) else None
        kinds.append((type(part), part.structure, sources, own))
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
    if mixture.columns or not {c.name for c in mixture.vector.coefficients} <= set(estimates):
        return None
    weights = estimates["weights"]
    names = [prefix.rstrip(".") for prefix in mixture.parts]
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
    for name, weight in zip(names, weights, strict=True):
        if weight < _LIGHT:
            return Caution(
                f"The other components describe the rows as well without {name}: leave it out.",
                no_maximum=True,
                reason=f"the weight of {name} tends to 0",
                unfinished=weight > _NOTHING,
                instead=True,
            )
    for group in interchangeable(mixture):
        for i, k in pairwise(group):
            (m, width), (other, another) = located[i], located[k]
            if max(abs(m - other), abs(width - another)) <= _EQUAL * width:
                return Caution(
                    "Fewer components describe the rows as well.",
                    no_maximum=True,
                    reason=f"{names[i]} and {names[k]} are equal: their weights are not identified",
                    instead=True,
                )
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
