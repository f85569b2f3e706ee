"""Links: the scales on which parameters are linear in columns.

    parameter = link⁻¹(η)

Each inverse keeps its digits in both tails, with two derivatives that JAX takes of it. Where η is
outside the link's range, or the parameter outside its domain, the parameter is NaN, which no
likelihood accepts: a search takes such a point for impossible. Source: P. McCullagh and
J. A. Nelder (1989), "Generalized linear models", chapters 2 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final, final

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.domains import POSITIVE, REAL, UNIT, Interval
from kullback._core.errors import ModelError, did_you_mean
from kullback.special.logistic import logistic, softplus
from kullback.special.numerics import reciprocal
from kullback.special.partials import with_partials


@final
@dataclass(frozen=True)
class Link:
    """A link.

    Attributes:
        name: its name.
        values: the values that it takes numbers of.
        forward: η of a parameter.
        inverse: the parameter of η, in JAX.
        predictors: the values that η may have.
        logarithmic: whether η can go to infinity as the parameter goes to an end of its domain.
    """

    name: str
    values: Interval
    forward: Callable[[float], float] = field(compare=False, repr=False)
    inverse: Callable[[Array], Array] = field(compare=False, repr=False)
    predictors: Interval = REAL
    logarithmic: bool = False

    def parameter(self, eta: Array, domain: Interval) -> Array:
        """Return the parameters of predictors; NaN outside the link's range or the domain."""
        permitted = _inside(eta, self.predictors)
        value = self.inverse(jnp.where(permitted, eta, 1.0))
        return jnp.where(permitted & _inside(value, domain), value, jnp.nan)

    def refuse(self, domain: Interval) -> None:
        """Refuse a parameter of which no value could come from the link.

        Raises:
            ModelError: for a domain that does not overlap with the link's values.
        """
        low, high = max(domain.lower, self.values.lower), min(domain.upper, self.values.upper)
        if not low < high:
            raise ModelError(
                f"the link {self.name!r} gives {self.values.phrase('values')}, and the parameter "
                f"needs {domain.phrase('values')}: use another link."
            )


def _inside(x: Array, domain: Interval) -> Array:
    above = x >= domain.lower if domain.holds_lower else x > domain.lower
    below = x <= domain.upper if domain.holds_upper else x < domain.upper
    return above & below


def _normal_cdf(eta: Array) -> Array:
    return 0.5 * jax.scipy.special.erfc(-eta * math.sqrt(0.5))


def _minimum_slope(eta: Array) -> Array:
    return jnp.exp(eta - jnp.exp(eta))


@with_partials(_minimum_slope)
def _minimum_cdf(eta: Array) -> Array:
    return -jnp.expm1(-jnp.exp(eta))


def _cauchy_cdf(eta: Array) -> Array:
    low = eta < -1.0  # here 1/2 + atan(η)/π cancels
    near = 0.5 + jnp.arctan(jnp.where(low, 0.0, eta)) / jnp.pi
    return jnp.where(low, jnp.arctan(-reciprocal(jnp.where(low, eta, -1.0))) / jnp.pi, near)


def _softplus_inverse(value: float) -> float:
    return value + math.log(-math.expm1(-value))


LINKS: Final[Mapping[str, Link]] = {
    link.name: link
    for link in (
        Link("identity", REAL, lambda v: v, lambda eta: eta),
        Link("log", POSITIVE, math.log, jnp.exp, logarithmic=True),
        Link("logit", UNIT, lambda v: math.log(v) - math.log1p(-v), logistic, logarithmic=True),
        Link("probit", UNIT, lambda v: NormalDist().inv_cdf(v), _normal_cdf, logarithmic=True),
        Link(
            "cloglog",
            UNIT,
            lambda v: math.log(-math.log1p(-v)),
            _minimum_cdf,
            logarithmic=True,
        ),
        Link(
            "cauchit",
            UNIT,
            lambda v: -1.0 / math.tan(math.pi * v),
            _cauchy_cdf,
            logarithmic=True,
        ),
        Link("inverse", POSITIVE, lambda v: 1.0 / v, reciprocal, POSITIVE),
        Link("inverse-squared", POSITIVE, lambda v: 1.0 / (v * v), jax.lax.rsqrt, POSITIVE),
        Link("sqrt", POSITIVE, math.sqrt, jnp.square, POSITIVE),
        Link("softplus", POSITIVE, _softplus_inverse, softplus, logarithmic=True),
    )
}
"""The links by name."""


def link_named(name: str | None) -> Link | None:
    """Return a link by name; None for the default one of the parameter's domain.

    Raises:
        ModelError: for another name.
    """
    if name is None:
        return None
    if name not in LINKS:
        hint = did_you_mean(str(name), LINKS)
        raise ModelError(f"there is no link {name!r}{hint or '.'} There are {', '.join(LINKS)}.")
    return LINKS[name]
