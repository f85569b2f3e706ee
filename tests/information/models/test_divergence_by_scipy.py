"""Relative entropies and entropies of later families, by SciPy's densities and its quadrature."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

import kullback as kl


def generalized_gamma(loc: float, scale: float, shape: float) -> Any:
    """C. H. Jackson (2016), flexsurv: log y = loc + scale log(shape² g)/shape, g of a gamma."""
    size = math.exp(loc) * (shape * shape) ** (scale / shape)
    return scipy.stats.gengamma(a=shape**-2, c=shape / scale, scale=size)


class Frechet:
    """SciPy's, whose logarithm of the density underflows in the lower tail, with its formula."""

    def __init__(self, shape: float, scale: float) -> None:
        self._shape, self._scale = shape, scale
        of = scipy.stats.invweibull(shape, scale=scale)
        self.pdf, self.ppf, self.isf = of.pdf, of.ppf, of.isf

    def logpdf(self, x: float) -> float:
        z = math.log(x / self._scale)
        density = math.log(self._shape / self._scale) - (1.0 + self._shape) * z
        return density - math.exp(-self._shape * z)


POSITIVE = [
    (kl.Frechet(shape=2.5, scale=1.5), Frechet(2.5, 1.5)),
    (kl.BirnbaumSaunders(shape=0.6, scale=2.0), scipy.stats.fatiguelife(0.6, scale=2.0)),
    (kl.GeneralizedGamma(loc=0.7, scale=0.5, shape=0.5), generalized_gamma(0.7, 0.5, 0.5)),
    (kl.LogNormal(loc=0.4, scale=0.6), scipy.stats.lognorm(0.6, scale=math.exp(0.4))),
]
REAL = [
    (kl.SkewNormal(loc=0.5, scale=1.2, shape=2.0), scipy.stats.skewnorm(2.0, 0.5, 1.2)),
    (kl.SkewNormal(loc=-0.5, scale=1.5, shape=-1.0), scipy.stats.skewnorm(-1.0, -0.5, 1.5)),
    (kl.Normal(loc=0.0, scale=1.5), scipy.stats.norm(0.0, 1.5)),
]
COUNTS = [
    (kl.BetaBinomial(trials=12, alpha=2.0, beta=3.0), scipy.stats.betabinom(12, 2.0, 3.0)),
    (kl.BetaBinomial(trials=12, alpha=0.7, beta=1.1), scipy.stats.betabinom(12, 0.7, 1.1)),
    (kl.Binomial(trials=12, probability=0.4), scipy.stats.binom(12, 0.4)),
]


def pairs(models: list[tuple[Any, Any]]) -> list[Any]:
    return [
        pytest.param(p, q, id=f"{p[0]!r}-{q[0]!r}") for p in models for q in models if p is not q
    ]


def integral(f: Any, of: Any) -> float:
    """E f under a distribution, between quantiles: outside them is less than 1e-14 of it."""
    parts = [1e-40, 1e-30, 1e-20, 1e-12, 1e-6, 1e-3, 0.1, 0.5]
    low = [of.ppf(u) for u in parts]
    high = [of.isf(u) for u in reversed(parts[:-1])]
    points = [x for x in np.unique([*low, *high]) if math.isfinite(x)]
    each = [
        scipy.integrate.quad(lambda x: of.pdf(x) * f(x), a, b, epsabs=1e-13, epsrel=1e-10)[0]
        for a, b in itertools.pairwise(points)
    ]
    return math.fsum(each)


@pytest.mark.parametrize(("p", "q"), [*pairs(POSITIVE), *pairs(REAL)])
def test_relative_entropy_of_densities(p: tuple[Any, Any], q: tuple[Any, Any]) -> None:
    expected = integral(lambda x: p[1].logpdf(x) - q[1].logpdf(x), p[1])
    assert float(kl.kl_divergence(p[0], q[0])) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("p", "q"), pairs(COUNTS))
def test_relative_entropy_of_counts(p: tuple[Any, Any], q: tuple[Any, Any]) -> None:
    expected = float(np.sum(scipy.stats.entropy(p[1].pmf(np.arange(13)), q[1].pmf(np.arange(13)))))
    assert float(kl.kl_divergence(p[0], q[0])) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("p", [*POSITIVE, *REAL], ids=lambda p: repr(p[0]))
def test_entropy_of_densities(p: tuple[Any, Any]) -> None:
    expected = integral(lambda x: -p[1].logpdf(x), p[1])
    assert float(kl.entropy(p[0])) == pytest.approx(expected, rel=1e-8)


def test_an_infinite_relative_entropy_of_a_frechet_distribution() -> None:
    # E x^−2.5 of a density that vanishes as x^(1/(shape scale) − 1), here x^1.5, is infinite
    p = kl.GeneralizedGamma(loc=0.7, scale=0.5, shape=0.8)
    assert float(kl.kl_divergence(p, kl.Frechet(shape=2.5, scale=1.5))) == math.inf
