"""Whether one fitted model is a special case of another, and whether on the edge of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kullback._core.domains import Interval
from kullback._core.errors import KullbackError
from kullback.models.model import Model
from kullback.models.source import Coefficient, Fixed, Free, SameAs
from kullback.results.fit import Fit

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


def on_edge(small: Fit, large: Fit) -> bool:
    """Return whether the small model is at a bound of the large one, of one parameter.

    Raises:
        KullbackError: for models that are not nested, as far as is known, and for a small model
            that is at several bounds.
    """
    if type(small.form) is type(large.form):
        return _same_family(small, large)
    family, other = small.form.name, large.form.name
    inside, limit = other in INSIDE.get(family, ()), other in AT_LIMIT.get(family, ())
    if not (inside or limit):
        raise KullbackError(
            f"{family} is not known to be a special case of {other}. For models that are not "
            "nested there is kl.vuong_test."
        )
    if not _unrestricted(large.form) or small.form.columns or large.form.columns:
        raise KullbackError(
            f"{family} is a special case of {other} where no parameter of {other} is restricted "
            f"and none depends on columns: fit kl.{other}()."
        )
    return limit


def _unrestricted(model: Model) -> bool:
    usual = model.fixed_by_default
    return all(
        isinstance(source, Free)
        or (isinstance(source, Fixed) and name in usual and float(source.number) == usual[name])
        for name, source in model.sources.items()
    )


def _same_family(small: Fit, large: Fit) -> bool:
    """Models of one family: the small one has fewer free numbers, and the others are fixed."""
    if list(small.form.parameters) != list(large.form.parameters):
        raise KullbackError(
            f"the models are in different parametrisations, {', '.join(small.form.parameters)} and "
            f"{', '.join(large.form.parameters)}: fit both in the same."
        )
    ours = {c.name: c for c in small.form.vector.coefficients}
    edges = 0
    for their in large.form.vector.coefficients:
        our = ours.get(their.name)
        if our is None:  # tied to another parameter
            continue
        if our.labels or their.labels:
            _check_columns(our, their)
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


def _check_columns(our: Coefficient, their: Coefficient) -> None:
    """Raise where a parameter is a function of columns that the larger model lacks."""
    missing = set(our.labels or ("Intercept",)) - set(their.labels)
    if missing:
        raise _not_nested(f"{our.name} lacks {', '.join(sorted(missing))} in the larger model")


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
