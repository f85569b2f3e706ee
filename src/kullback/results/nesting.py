"""Whether one fitted model is a special case of another, and whether on the edge of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from kullback._core.domains import Interval
from kullback._core.errors import KullbackError
from kullback.models.linear import link_of
from kullback.models.model import Model
from kullback.models.source import Coefficient, Fixed, Free, SameAs, Source
from kullback.results.fit import Fit
from kullback.results.nested_terms import lacking_terms

# A family, and those that contain it at values inside the domains of their parameters.
INSIDE: Mapping[str, tuple[str, ...]] = {
    "Exponential": ("Gamma", "Weibull", "GeneralizedPareto", "Gompertz", "GeneralizedGamma"),
    "Gamma": ("GeneralizedGamma",),
    "Weibull": ("GeneralizedGamma",),
    "LogNormal": ("GeneralizedGamma",),
    "Frechet": ("GeneralizedGamma",),
    "Rayleigh": ("Weibull", "GeneralizedGamma"),
    "Gumbel": ("GeneralizedExtremeValue",),
    "Geometric": ("NegativeBinomial",),
    "Cauchy": ("StudentT",),
    "LogLogistic": ("Burr",),
    "Lomax": ("Burr",),
}
# A family, and those of which it is the limit as one parameter, or the reciprocal of one, falls to
# 0, with information about that number that is finite and positive there.
AT_LIMIT: Mapping[str, tuple[str, ...]] = {
    "Poisson": ("NegativeBinomial", "GeneralizedPoisson"),
    "Normal": ("StudentT",),
    "Exponential": ("Lomax",),
}

# Families that are special cases with columns, too: their parameters have counterparts by name, or
# by the logarithm, in which a rate, a scale and a mean differ by a sign and a constant.
WITH_COLUMNS = ("Poisson", "Exponential", "Normal", "Gumbel", "Geometric", "Cauchy")
_SCALES = ("rate", "scale", "mean")


def on_edge(small: Fit, large: Fit) -> bool:
    """Return whether the small model is at a bound of the large one, of one parameter.

    Raises:
        KullbackError: for models that are not nested, as far as is known, and for a small model
            that is at several bounds.
    """
    family, other = small.form.name, large.form.name
    if family == other:
        _check_parametrisation(small, large)
        return _same_family(small, large)
    if other == f"ZeroInflated({family})":
        return _zero_inflated(small, large)
    inside, limit = other in INSIDE.get(family, ()), other in AT_LIMIT.get(family, ())
    if not (inside or limit):
        raise KullbackError(
            f"{family} is not known to be a special case of {other}. For models that are not "
            "nested there is kl.vuong_test."
        )
    if small.form.columns or large.form.columns:
        _check_counterparts(small.form, large.form)
    elif not _unrestricted(large.form):
        raise KullbackError(
            f"{family} is a special case of {other} where no parameter of {other} is restricted: "
            f"fit kl.{other}()."
        )
    return limit


def _unrestricted(model: Model, besides: Collection[str] = ()) -> bool:
    usual = model.fixed_by_default
    return all(
        isinstance(source, Free)
        or (isinstance(source, Fixed) and name in usual and float(source.number) == usual[name])
        for name, source in model.sources.items()
        if name not in besides
    )


def _check_counterparts(small: Model, large: Model) -> None:
    """Raise unless the small model's parameters have the terms of their counterparts.

    Raises:
        KullbackError: for families whose parameters are not known to correspond, other terms, and
            restrictions on the other parameters.
    """
    found: dict[str, str] = {}
    for name in small.parameters:
        among = _SCALES if name in _SCALES else (name,)
        same = [other for other in (name, *among) if other in large.parameters]
        if small.name in WITH_COLUMNS and same:
            found[name] = same[0]
    if len(found) < len(small.parameters):
        raise KullbackError(
            f"{small.name} with columns is not known to be a special case of {large.name} with "
            f"{', '.join(large.parameters)}: for models that are not nested there is kl.vuong_test."
        )
    for name, other in found.items():
        ours, theirs = small.sources[name], large.sources[other]
        lacking = lacking_terms(ours, theirs)
        if name != other and {link_of(ours), link_of(theirs)} - {"log", ""}:
            lacking = ["the log link"]
        if lacking:
            raise _not_nested(f"{other} lacks {', '.join(lacking)} in the larger model")
    if not _unrestricted(large, found.values()):
        raise _not_nested(f"parameters of {large.name} are fixed or depend on columns")


def _zero_inflated(small: Fit, large: Fit) -> bool:
    """A model and the same one with more zeros: it is at the bound 0 of their probability."""
    source = large.form.sources["zero_probability"]
    if not isinstance(source, Free):
        raise KullbackError(
            f"{small.form.name} is the limit of {large.form.name} as zero_probability goes to 0, "
            f"which {source!r} does not reach, and the distribution of the statistic is not known. "
            "Leave zero_probability a constant, or use kl.vuong_test."
        )
    if _same_family(small, large):
        raise KullbackError(
            "the smaller model is at 2 bounds of the larger one, where the distribution of the "
            "statistic is not known."
        )
    return True


def _check_parametrisation(small: Fit, large: Fit) -> None:
    if list(small.form.parameters) != list(large.form.parameters):
        raise KullbackError(
            f"the models are in different parametrisations, {', '.join(small.form.parameters)} and "
            f"{', '.join(large.form.parameters)}: fit both in the same."
        )


def _same_family(small: Fit, large: Fit) -> bool:
    """Models of one family: the small one has fewer free numbers, and the others are fixed."""
    ours = {c.name: c for c in small.form.vector.coefficients}
    edges = 0
    for their in large.form.vector.coefficients:
        our = ours.get(their.name)
        if our is None:  # tied to another parameter
            continue
        if our.labels or their.labels:
            _check_terms(their.name, small.form.sources, large.form.sources)
        elif their.value is not None:
            if our.value is None or not np.array_equal(our.value, their.value):
                raise _not_nested(f"{their.name} is fixed in the larger model, and not in it alike")
        elif our.value is None:
            _check_bounds(our, their)
        elif isinstance(their.domain, Interval):
            edges += _at_bound(their.name, float(our.value[0]), their.domain)
    for name, source in large.form.sources.items():
        if isinstance(source, SameAs) and source != small.form.sources[name]:
            raise _not_nested(f"{name} is tied in the larger model, and not in it alike")
    if edges > 1:
        raise KullbackError(
            f"the smaller model is at {edges} bounds of the larger one, where the distribution of "
            "the statistic is not known."
        )
    return edges == 1


def _check_terms(name: str, ours: Mapping[str, Source], theirs: Mapping[str, Source]) -> None:
    """Raise where a parameter has terms of columns that the larger model lacks."""
    small, large = ours[name], theirs[name]
    if small.nonlinear or large.nonlinear:
        if small.structure != large.structure:
            raise KullbackError(f"functions of {name} are not known to be nested.")
        return
    lacking = lacking_terms(small, large)
    if lacking:
        raise _not_nested(f"{name} lacks {', '.join(lacking)} in the larger model")


def _check_bounds(our: Coefficient, their: Coefficient) -> None:
    """Raise where a free number may take values that it cannot in the larger model."""
    a, b = our.domain, their.domain
    if (
        isinstance(a, Interval)
        and isinstance(b, Interval)
        and (a.lower < b.lower or a.upper > b.upper)
    ):
        raise _not_nested(
            f"{our.name} has narrower bounds in the larger model, {b.phrase(our.name)} and not "
            f"{a.phrase(our.name)}"
        )


def _at_bound(name: str, value: float, domain: Interval) -> int:
    if not domain.lower <= value <= domain.upper:
        raise _not_nested(f"{name} = {value:g} is not possible in it: {domain.phrase(name)}")
    return int(value in (domain.lower, domain.upper))


def _not_nested(why: str) -> KullbackError:
    return KullbackError(f"the first model is not a special case of the second: {why}.")
