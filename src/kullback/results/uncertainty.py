"""The Fisher information of a fitted model, by quadrature or summation over its outcomes."""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector, float64
from kullback._core.errors import ModelError
from kullback.data.sample import ArraySample
from kullback.engines.local import LocalEngine
from kullback.models.model import Model
from kullback.objective.statistics import LossDerivatives

# Nodes of the quadrature over the distribution function, and the range of its double-exponential
# variable; with these the gamma family's information agrees with its closed form to 1e-12.
_NODES, _REACH = 801, 3.2

# Largest number of outcomes over which a discrete model's information is summed.
_OUTCOMES = 1 << 20


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
        u, weights = levels_and_weights(_NODES)
        atoms = np.array(model.atoms)  # none, or the smallest outcome, with its probability
        mass = model.density(atoms)
        u, weights = mass.sum() + (1.0 - mass.sum()) * u, (1.0 - mass.sum()) * weights
        kept = (u > mass.sum()) & (u < 1.0)
        points = np.append(np.asarray(model.quantile(u[kept])), atoms)
        weights = np.append(weights[kept], mass)
    kept = np.isfinite(points) & (weights > 0.0) & model.support.contains(points)
    return ArraySample({"y": points[kept]}, weights[kept])


def levels_and_weights(nodes: int) -> tuple[Vector, Vector]:
    """Return levels in (0, 1), and their weights in a mean over a distribution's quantiles."""
    t, h = np.linspace(-_REACH, _REACH, nodes, retstep=True)
    inner = np.pi * np.sinh(t)
    u = 1.0 / (1.0 + np.exp(-inner))
    weights = h * np.pi * np.cosh(t) * u / (1.0 + np.exp(inner))
    kept = (u > 0.0) & (u < 1.0)  # beyond these the quantile is an end of the support
    return u[kept], weights[kept]


def expected_information(model: Model, derivatives: LossDerivatives, constrained: Vector) -> Vector:
    """Compute the Fisher information of one row, E[s s'], in the free constrained coefficients.

    Args:
        model: the fitted model, fixed.
        derivatives: which coefficients are free.
        constrained: the estimates.

    Raises:
        ModelError: for a model with too many outcomes to sum.
    """
    with float64():
        engine = LocalEngine(_nodes(model), threads=1)
        return derivatives.unpack(engine.reduce(derivatives, constrained)).outer
