"""The covariance of a fit's estimates and their standard errors, in the unit of its rows' sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.objective.evaluated import CovarianceKind
from kullback.objective.statistics import LossDerivatives
from kullback.results.clusters import with_moments_of
from kullback.results.expected_rows import expected_information_of_rows
from kullback.results.problem import problem_of
from kullback.results.sample_info import SAMPLING
from kullback.results.uncertainty import expected_information

if TYPE_CHECKING:  # Fit.covariance calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers


def covariance_in_unit(fit: FitNumbers, kind: CovarianceKind | None) -> Vector:
    """Return the covariance of the estimates in the unit 2^power, shape (d, d).

    Args:
        fit: the fit.
        kind: which covariance; None for the fit's own.

    Raises:
        KullbackError: for the expected information of rows that are not exact, or of sampling
            weights, and for clusters that the fit does not have.
    """
    kind, evaluation = kind or fit.covariance_kind, fit.evaluation
    if kind == "clustered":
        if fit.clusters is None:
            raise KullbackError(
                'name the clusters: fit.with_covariance("clustered", clusters="subject"), a column '
                "or an array with a value for every row."
            )
        kind, evaluation = "sandwich", with_moments_of(evaluation, fit.clusters)
    if fit.sample_info.weight_kind == SAMPLING:
        if kind == "expected":
            fit.sample_info.refuse_sampling("the expected information")
        kind = "sandwich"
    if not fit.convergence.converged and kind != "expected":
        return np.full((sum(fit.vector.is_free),) * 2, np.nan)

    def expected() -> Vector:
        if fit.sample_info.inexact:
            raise KullbackError(
                "the expected information is that of exact rows, but "
                f"{fit.sample_info.inexact}: use kind='observed' or 'sandwich'."
            )
        derivatives = LossDerivatives(fit.form, fit.vector.is_free)
        constrained = fit.evaluation.constrained(fit.vector)
        model = fit.form.fixed_at(fit.vector.split(constrained))
        if not model.columns:
            return expected_information(model, derivatives, constrained)
        chunks = problem_of(fit, "the expected information given the columns").sample.chunks()
        return expected_information_of_rows(model, derivatives, constrained, chunks)

    return evaluation.covariance(fit.vector, kind, fit.sample_info.weight, expected)


def cautions_of(fit: FitNumbers, kind: CovarianceKind | None) -> tuple[str, ...]:
    """Return what limits a covariance: few clusters."""
    if fit.clusters is None or (kind or fit.covariance_kind) != "clustered":
        return ()
    return fit.clusters.cautions


def standard_errors_in_unit(fit: FitNumbers, kind: CovarianceKind | None) -> Vector:
    """Return one standard error a constrained coefficient, in the unit 2^power.

    0 for a fixed number; NaN for one on a bound, or without a positive definite Hessian.
    """
    known = fit.evaluation.variances(fit.sample_info.weight)
    errors = np.sqrt(covariance_in_unit(fit, kind).diagonal() if known is None else known)
    vector = fit.vector
    full = np.zeros(len(vector.is_free))
    full[np.array(vector.is_free, dtype=bool)] = errors
    for c, place in vector.places:
        if c.name in vector.on_bound:
            full[place] = np.nan
    return full
