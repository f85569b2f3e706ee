"""Hessians in units of their diagonal: their eigenvalues and inverse."""

from __future__ import annotations

from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from kullback._core.arrays import Vector, namespace
from kullback._core.blas import one_blas_thread

# Below this the smallest eigenvalue of the scaled Hessian is rounding, and the matrix singular.
SINGULAR = 1e-13


# The linear algebra of more numbers takes one thread.
_MANY = 32


class ScaledHessian(NamedTuple):
    """A Hessian in units of its diagonal.

    Attributes:
        scale: square roots of the diagonal's absolute values; 1 where zero or not finite.
        matrix: the Hessian in these units; that of the identity where not finite.
        values: its eigenvalues, ascending.
        vectors: its eigenvectors.
    """

    scale: Any
    matrix: Any
    values: Any
    vectors: Any


def scaled_hessian(hessian: Any) -> ScaledHessian:
    """Return a Hessian in units of its diagonal, of NumPy or JAX.

    The last ones of NumPy are remembered: the last step of a solve, its convergence check and the
    covariance have the same.
    """
    xp = namespace(hessian)
    return _of(hessian.tobytes(), len(hessian)) if xp is np else _scaled(xp, hessian)


@lru_cache(maxsize=4)
def _of(content: bytes, size: int) -> ScaledHessian:
    found = _scaled(np, np.frombuffer(content).reshape(size, size))
    for array in found:
        array.flags.writeable = False
    return found


def _scaled(xp: Any, hessian: Any) -> ScaledHessian:
    size = xp.sqrt(xp.abs(xp.linalg.diagonal(hessian)))
    scale = xp.where(xp.isfinite(size) & (size > 0.0), size, 1.0)
    matrix = hessian / (scale[:, None] * scale)
    matrix = xp.where(xp.isfinite(matrix), matrix, xp.eye(scale.shape[0]))
    return ScaledHessian(scale, matrix, *xp.linalg.eigh(matrix))


def scaled_eigenvalues(hessian: Vector) -> Vector:
    """Return a Hessian's eigenvalues, scaled to a unit diagonal, ascending; NaN if not finite."""
    values: Vector = scaled_hessian(hessian).values
    if np.isfinite(hessian).all() and hessian.diagonal().all():
        return values
    return np.full(values.shape, np.nan)


def inverse(hessian: Vector) -> Vector:
    """Return the inverse of a positive definite matrix; all NaN for any other."""
    values = scaled_eigenvalues(hessian)
    if values.size and not bool(values[0] > SINGULAR):
        return np.full_like(hessian, np.nan)
    scale, matrix, *_ = scaled_hessian(hessian)
    # with several threads of a busy machine the inverse of 300 numbers takes 0.2 s, not 0.02
    with one_blas_thread() if len(matrix) > _MANY else nullcontext():
        out: Vector = np.linalg.inv(matrix) / (scale[:, None] * scale)
    return 0.5 * (out + out.T)
