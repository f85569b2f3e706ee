"""Fits of arrays in memory, in one process with the peer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from measure import Measured, alternate, timed
from scipy import stats

import kullback as kl

Vector: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

# Seconds between two calls: OpenMP's threads, which numba may use, spin for up to 0.2 s after a
# loop and would take a core from the next program.
PAUSE = 0.25


def student_t_against_scipy(rows: int, repeats: int) -> Measured:
    x = student_t(rows)
    return side_by_side(kl.StudentT(), x, repeats, lambda: stats.t.fit(x), _t_log_likelihood, _same)


def student_t_against_iminuit(rows: int, repeats: int) -> Measured:
    return _against_iminuit(rows, repeats, "serial")


def student_t_against_parallel_iminuit(rows: int, repeats: int) -> Measured:
    return _against_iminuit(rows, repeats, "parallel")


def _against_iminuit(rows: int, repeats: int, adding: str) -> Measured:
    from minuit_t import fits_of_student_t

    x = student_t(rows)
    fit = fits_of_student_t(x)[adding]
    fit()  # numba compiles once
    return side_by_side(kl.StudentT(), x, repeats, fit, _t_log_likelihood, _same)


def weibull_against_scipy(rows: int, repeats: int) -> Measured:
    x = weibull(rows)

    def log_likelihood(p: tuple[float, ...]) -> float:
        return _add(lambda part: stats.weibull_min.logpdf(part, p[0], 0.0, p[2]), x)

    return side_by_side(
        kl.Weibull(),
        x,
        repeats,
        lambda: stats.weibull_min.fit(x, floc=0),
        lambda _, p: log_likelihood(p),
        lambda params: (params["shape"], 0.0, params["scale"]),
    )


def gamma_against_scipy(rows: int, repeats: int) -> Measured:
    x = gamma(rows)
    return side_by_side(
        kl.Gamma(),
        x,
        repeats,
        lambda: stats.gamma.fit(x, floc=0),
        lambda x, p: _add(lambda part: stats.gamma.logpdf(part, p[0], 0.0, p[2]), x),
        lambda params: (params["shape"], 0.0, 1.0 / params["rate"]),
    )


# ---- the data: the same for every program and every run
# -------------------------------------------


def student_t(rows: int, seed: int = 1) -> Vector:
    return 1.0 + 2.0 * np.random.default_rng(seed).standard_t(5.0, rows)


def weibull(rows: int, seed: int = 2) -> Vector:
    return 3.0 * np.random.default_rng(seed).weibull(1.7, rows)


def gamma(rows: int, seed: int = 3) -> Vector:
    return np.random.default_rng(seed).gamma(2.5, 3.0, rows)


# ---- the measurement
# ------------------------------------------------------------------------------


def side_by_side(
    model: Any,
    x: Vector,
    repeats: int,
    peer: Callable[[], Any],
    log_likelihood: Callable[[Vector, tuple[float, ...]], float],
    as_scipy: Callable[[Mapping[str, float]], tuple[float, ...]],
) -> Measured:
    """Time a fit with its standard errors and the peer's fit, by turns.

    Both log-likelihoods are SciPy's, at each one's estimate.
    """

    def own() -> Any:
        fit = kl.fit(model, x)
        errors = np.concatenate([np.ravel(error) for error in fit.stderr.values()])
        if not np.isfinite(errors).all():
            raise RuntimeError(f"no standard errors: {fit.convergence.reason}")
        return fit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy's search leaves the support
        first_seconds, first = timed(own)
        theirs, ours = alternate([peer, own], repeats, PAUSE if len(x) >= 10_000 else 0.0)
    fit: Any = ours.result
    estimate: Any = theirs.result
    return Measured(
        peer_seconds=theirs.seconds,
        own_seconds=ours.seconds,
        peer_first=theirs.first,
        own_first=first_seconds,
        compiling=first.convergence.compile_seconds,
        peer_log_likelihood=log_likelihood(x, tuple(map(float, estimate))),
        own_log_likelihood=log_likelihood(x, as_scipy(fit.params)),
        passes=None,
        notes=[f"{fit.convergence.passes} passes"] if fit.convergence.passes > 1 else ["1 pass"],
    )


def _t_log_likelihood(x: Vector, p: tuple[float, ...]) -> float:
    return _add(lambda part: stats.t.logpdf(part, *p), x)


def _same(params: Mapping[str, float]) -> tuple[float, ...]:
    return (params["df"], params["loc"], params["scale"])


def _add(log_density: Callable[[Vector], Vector], x: Vector) -> float:
    """Σ log q, a million rows at a time."""
    parts = [x[i : i + 1_000_000] for i in range(0, len(x), 1_000_000)]
    return float(sum(np.sum(log_density(part)) for part in parts))
