"""Deviance residuals of generalized linear models, from the unit deviance of each family.

With y the outcome and μ its mean, the unit deviance is twice the log-likelihood of the saturated
model, in which the mean is y, less that of the model, times the dispersion. It is written in
a(t) = (1 + t) log(1 + t) − t and b(t) = t − log(1 + t), which keep their digits for y near μ.
Source: P. McCullagh and J. A. Nelder (1989), Generalized Linear Models, sections 2.3 and 2.4.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.row_wise import RowWise

# Up to this |t| the functions are summed as series, whose 14 terms are then exact to 1e-19.
_NEAR, _TERMS = 0.05, 15


def deviance_residuals(rows: RowWise, y: Vector, mean: Vector) -> Vector:
    """Return sign(y − μ) √d(y, μ) of exact outcomes."""
    with np.errstate(all="ignore"):
        unit = UNIT_DEVIANCES[rows.form.name](rows, y, mean)
        # no deviance is negative: below 0 it is the rounding of 0
        return np.asarray(np.sign(y - mean) * np.sqrt(np.maximum(unit, 0.0)))


def _a(t: Vector) -> Vector:
    series = np.zeros_like(t)
    for n in range(_TERMS, 1, -1):
        series = 1.0 / (n * (n - 1)) - t * series
    from scipy.special import xlog1py

    return np.where(np.abs(t) < _NEAR, t * t * series, xlog1py(1.0 + t, t) - t)


def _b(t: Vector) -> Vector:
    series = np.zeros_like(t)
    for n in range(_TERMS, 1, -1):
        series = 1.0 / n - t * series
    return np.where(np.abs(t) < _NEAR, t * t * series, t - np.log1p(t))


def _normal(_: RowWise, y: Vector, mean: Vector) -> Vector:
    return (y - mean) ** 2


def _poisson(_: RowWise, y: Vector, mean: Vector) -> Vector:
    return 2.0 * mean * _a((y - mean) / mean)


def _binomial(rows: RowWise, y: Vector, mean: Vector) -> Vector:
    failures = rows.defaults().get("trials", np.ones_like(y)) - mean
    return 2.0 * (mean * _a((y - mean) / mean) + failures * _a((mean - y) / failures))


def _gamma(_: RowWise, y: Vector, mean: Vector) -> Vector:
    return 2.0 * _b((y - mean) / mean)


def _inverse_gaussian(_: RowWise, y: Vector, mean: Vector) -> Vector:
    return (y - mean) ** 2 / (mean * mean * y)


def _negative_binomial(rows: RowWise, y: Vector, mean: Vector) -> Vector:
    size = rows.defaults().get("size", np.ones_like(y))  # a geometric count has size 1
    total = mean + size
    return 2.0 * (mean * _a((y - mean) / mean) - total * _a((y - mean) / total))


UNIT_DEVIANCES: MappingProxyType[str, Callable[[RowWise, Vector, Vector], Vector]] = (
    MappingProxyType(
        {
            "Normal": _normal,
            "Poisson": _poisson,
            "Bernoulli": _binomial,
            "Binomial": _binomial,
            "Gamma": _gamma,
            "Exponential": _gamma,
            "InverseGaussian": _inverse_gaussian,
            "NegativeBinomial": _negative_binomial,
            "Geometric": _negative_binomial,
        }
    )
)
"""By the name of the family."""
