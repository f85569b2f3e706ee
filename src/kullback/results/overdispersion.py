"""Pearson's test of overdispersion: counts that vary more than their model says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kullback._core.errors import KullbackError
from kullback.results.problem import problem_of
from kullback.results.test_result import TestResult

if TYPE_CHECKING:  # Fit.overdispersion calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

# By family, what to try. Bernoulli outcomes of single trials cannot be overdispersed.
REMEDIES: Mapping[str, str] = {
    "Poisson": "Try kl.NegativeBinomial or kl.GeneralizedPoisson, or a missing term; "
    'fit.with_covariance("sandwich") has errors that hold.',
    "Binomial": "Try kl.BetaBinomial, or a missing term; "
    'fit.with_covariance("sandwich") has errors that hold.',
}


def can_be_overdispersed(fit: FitNumbers) -> bool:
    """Whether the test is defined for a fit."""
    return (
        fit.form.name in REMEDIES
        and not fit.sample_info.inexact
        and fit.sample_info.weight_kind != "sampling"
        and fit.covariance_kind != "clustered"
        and fit.n > fit.parameter_count
    )


def pearson_of(fit: FitNumbers) -> tuple[float, float] | None:
    """Return the statistic and its variance where they are known, or a pass in memory away."""
    in_memory = fit.problem is not None and fit.problem.in_memory
    if not (fit.convergence.converged and can_be_overdispersed(fit)):
        return None
    if fit.sample_info.pearson is None and in_memory and fit.problem is not None:
        return fit.problem.pearson(fit.model)
    return fit.sample_info.pearson


def overdispersion_test(fit: FitNumbers) -> TestResult:
    """Return the test; see ``Fit.overdispersion``."""
    if fit.form.name not in REMEDIES:
        raise KullbackError(
            f"the test of overdispersion is for {' and '.join(REMEDIES)} models, not "
            f"{fit.form.name}."
        )
    if fit.sample_info.inexact:
        raise KullbackError(f"the test needs exact rows, but {fit.sample_info.inexact}.")
    if not fit.convergence.converged:
        raise KullbackError(f"the fit did not converge ({fit.convergence.reason}).")
    df = fit.n - fit.parameter_count
    if df <= 0.0:
        raise KullbackError(
            f"{fit.parameter_count} parameters of {fit.n:g} rows leave no degrees of freedom."
        )
    known = fit.sample_info.pearson
    if known is None or fit.covariance_kind == "clustered":
        known = problem_of(fit, "the test of overdispersion").pearson(fit.model)
    statistic, variance = known
    z = (statistic - df) / math.sqrt(variance)
    return TestResult(
        statistic,
        round(df),
        0.5 * math.erfc(z / math.sqrt(2.0)),
        f"normal with mean {df:g} and standard deviation {math.sqrt(variance):.4g}",
        f"the variance is that of {fit.form.name}",
        "Pearson's test of overdispersion",
        (f"χ²/df = {statistic / df:.4g}",),
    )
