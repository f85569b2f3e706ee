"""Covariances of an estimate: observed, expected and sandwich.

With H the Hessian and J the outer product of the scores of the cross-entropy per unit weight, and W
the total weight: observed H⁻¹/W; expected I⁻¹/W with I the Fisher information of the fitted model;
sandwich H⁻¹JH⁻¹/W (Huber 1967; White 1982), which holds when the model is wrong.
"""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector, float64
from kullback._core.errors import ModelError
from kullback.data.sample import ArraySample
from kullback.engines.local import LocalEngine
from kullback.models.model import Model
from kullback.objective.statistics import LossDerivatives

# Below this the smallest eigenvalue of the scaled Hessian is rounding, and the matrix singular.
SINGULAR = 1e-13

# Nodes of the quadrature over the distribution function, and the range of its double-exponential
# variable; with these the gamma family's information agrees with its closed form to 1e-12.
_NODES, _REACH = 801, 3.2

# Largest number of outcomes over which a discrete model's information is summed.
_OUTCOMES = 1 << 20


def scaled_eigenvalues(hessian: Vector) -> Vector:
    """Return a Hessian's eigenvalues, scaled to a unit diagonal, ascending; NaN if not finite."""
    diagonal = np.abs(np.diag(hessian))
    if not np.all(np.isfinite(hessian)) or not np.all(diagonal > 0.0):
        return np.full(hessian.shape[0], np.nan)
    scale = np.sqrt(diagonal)
    values: Vector = np.linalg.eigvalsh(hessian / (scale[:, None] * scale[None, :]))
    return values


def inverse(hessian: Vector) -> Vector:
    """Return the inverse of a positive definite matrix; all NaN for any other."""
    values = scaled_eigenvalues(hessian)
    if values.size and not bool(values[0] > SINGULAR):
        return np.full_like(hessian, np.nan)
    scale = np.sqrt(np.diag(hessian))
    scaled = hessian / (scale[:, None] * scale[None, :])
    out: Vector = np.linalg.inv(scaled) / (scale[:, None] * scale[None, :])
    return 0.5 * (out + out.T)


def _nodes(model: Model) -> ArraySample:
    """Return points and weights that represent a distribution: E[g(X)] = Σ weight · g(point).

    For a continuous model, double-exponential nodes (Takahasi & Mori 1974) of the quantile
    function; for a discrete one, its outcomes with their probabilities.

    Raises:
        ModelError: for a discrete model with too many outcomes to sum.
    """
    if model.discrete:
        ends = np.atleast_1d(model.quantile(np.array([1e-18, 1.0 - 2.0**-53])))
        if ends[1] - ends[0] >= _OUTCOMES:
            raise ModelError(
                f"{model!r} has {ends[1] - ends[0]:,.0f} outcomes, too many to sum: use the "
                "observed or the sandwich covariance."
            )
        points = np.arange(ends[0], ends[1] + 1.0)
        weights = np.exp(model.log_density(points))
    else:
        t, h = np.linspace(-_REACH, _REACH, _NODES, retstep=True)
        inner = np.pi * np.sinh(t)
        u = 1.0 / (1.0 + np.exp(-inner))
        weights = h * np.pi * np.cosh(t) * u / (1.0 + np.exp(inner))
        kept = (u > 0.0) & (u < 1.0)  # beyond these the quantile is an end of the support
        points, weights = np.asarray(model.quantile(u[kept])), weights[kept]
    kept = np.isfinite(points) & (weights > 0.0) & model.support.contains(points)
    return ArraySample({"y": points[kept]}, weights[kept])


def expected_information(model: Model, derivatives: LossDerivatives, constrained: Vector) -> Vector:
    """Compute the Fisher information of one row, E[s s'], in the free constrained coefficients.

    Args:
        model: the fitted model, fixed.
        derivatives: which coefficients are free.
        constrained: the estimates.

    Raises:
        ModelError: for a model with covariates, or with too many outcomes to sum.
    """
    if model.columns:
        raise ModelError(
            "the expected information is not available for a model with covariates: use the "
            "observed or the sandwich covariance."
        )
    with float64():
        engine = LocalEngine(_nodes(model), threads=1)
        return derivatives.unpack(engine.reduce(derivatives, constrained)).outer
