"""The covariance of a fit's estimates and their standard errors, in the unit of its rows' sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.objective.class_shares import ClassShares
from kullback.objective.statistics import LossDerivatives
from kullback.results.uncertainty import expected_information, inverse

if TYPE_CHECKING:  # Fit.covariance calls this module, which only reads the fit
    from kullback.results.fit import Fit

CovarianceKind: TypeAlias = Literal["observed", "expected", "sandwich"]


def covariance_in_unit(fit: Fit, kind: CovarianceKind) -> Vector:
    """Return the covariance of the estimates in the unit 2^power, shape (d, d).

    Args:
        fit: the fit.
        kind: which covariance.

    Raises:
        KullbackError: for the expected information of rows that are not exact.
    """
    if isinstance(fit.evaluation, ClassShares):
        return fit.evaluation.covariance()
    jacobian = fit.vector.jacobian(fit.evaluation.at)
    sums, weight = fit.evaluation.sums, fit.sample_info.weight
    if not fit.convergence.converged and kind != "expected":
        return np.full((jacobian.shape[0],) * 2, np.nan)
    if kind == "expected":
        if fit.sample_info.inexact:
            raise KullbackError(
                "the expected information is that of exact rows, but "
                f"{fit.sample_info.inexact}: use kind='observed' or 'sandwich'."
            )
        derivatives = LossDerivatives(fit.form, fit.vector.is_free)
        constrained = fit.vector.constrained(fit.evaluation.at)
        model = fit.form.fixed_at(fit.vector.split(constrained))
        information = expected_information(model, derivatives, constrained)
        middle = inverse(jacobian.T @ information @ jacobian)
    else:
        middle = inverse(fit.evaluation.hessian)
        if kind == "sandwich":
            middle = middle @ (jacobian.T @ sums.outer @ jacobian) @ middle
    out: Vector = jacobian @ middle @ jacobian.T / weight
    return out


def standard_errors_in_unit(fit: Fit, kind: CovarianceKind) -> Vector:
    """Return one standard error a constrained coefficient, in the unit 2^power.

    0 for a fixed number; NaN for one on a bound, or without a positive definite Hessian.
    """
    at = fit.evaluation
    in_closed_form = at.variances if isinstance(at, ClassShares) else None
    variances = np.diag(covariance_in_unit(fit, kind)) if in_closed_form is None else in_closed_form
    errors = np.sqrt(variances)
    full = np.zeros(len(fit.vector.is_free))
    full[np.array(fit.vector.is_free, dtype=bool)] = errors
    on_bound = [
        c.name in fit.vector.on_bound for c in fit.vector.coefficients for _ in range(c.domain.size)
    ]
    full[np.array(on_bound, dtype=bool)] = np.nan
    return full
