"""A thousand refits of a Weibull distribution, and a goodness-of-fit test made of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from in_memory import weibull
from measure import Measured, alternate
from scipy import stats

import kullback as kl
from kullback._core.compilation import COMPILED
from kullback.data.poisson_weights import PoissonWeights

REFITS, TESTS = 1_000, 999


def refits_against_scipy(rows: int, repeats: int) -> Measured:
    """Refits with Poisson weights, and a loop of SciPy's fits to the same rows repeated."""
    x = weibull(rows)
    fit = kl.fit(kl.Weibull(), x)
    weights = PoissonWeights(0).of(np.arange(rows), None, np.arange(REFITS)).T.astype(np.intp)

    def own() -> Any:
        return kl.fit(kl.Weibull(), x).bootstrap(REFITS)  # a fit keeps its replicates

    def peer() -> list[tuple[float, float]]:
        found = [stats.weibull_min.fit(np.repeat(x, w), floc=0) for w in weights]
        return [(shape, scale) for shape, _, scale in found]

    def log_likelihood(estimates: Iterator[tuple[float, float]]) -> float:
        each = zip(weights, estimates, strict=True)
        return sum(float(w @ stats.weibull_min.logpdf(x, k, scale=s)) for w, (k, s) in each)

    compiled = COMPILED.seconds
    theirs, ours = alternate([peer, own], repeats)
    params = fit.bootstrap(REFITS).params
    result: Any = theirs.result
    return Measured(
        theirs.seconds,
        ours.seconds,
        theirs.first,
        ours.first,
        COMPILED.seconds - compiled,
        peer_log_likelihood=log_likelihood(iter(result)),
        own_log_likelihood=log_likelihood(zip(params["shape"], params["scale"], strict=True)),
    )


def goodness_of_fit_against_scipy(rows: int, repeats: int) -> Measured:
    """Three statistics with p-values, and SciPy's Anderson–Darling alone."""
    x = weibull(rows)
    fit = kl.fit(kl.Weibull(), x)
    peer = partial(
        stats.goodness_of_fit,
        stats.weibull_min,
        x,
        known_params={"loc": 0.0},
        statistic="ad",
        n_mc_samples=TESTS,
        rng=1,
    )
    compiled = COMPILED.seconds
    theirs, ours = alternate([peer, partial(fit.goodness_of_fit, TESTS)], repeats)
    one: Any = theirs.result
    three: Any = ours.result
    return Measured(
        theirs.seconds,
        ours.seconds,
        theirs.first,
        ours.first,
        COMPILED.seconds - compiled,
        notes=[f"p = {one.pvalue:.3f} and {three.anderson_darling.p_value:.3f}"],
    )
