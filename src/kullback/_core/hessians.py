"""Hessians in units of their diagonal: their eigenvalues and inverse."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector, namespace
from kullback._core.blas import one_blas_thread

# Below this the smallest eigenvalue of the scaled Hessian is rounding, and the matrix singular.
SINGULAR = 1e-13


# The linear algebra of more numbers takes one thread, and a Cholesky factor before eigenvectors: of
# 323 numbers 2 ms instead of 9.
_MANY = 32

# Above this the square of a factor's pivot, of a matrix with a unit diagonal, says that it is far
# from singular.
_PIVOT = 1e-8


@final
@dataclass(frozen=True, eq=False)
class ScaledHessian:
    """A Hessian in units of its diagonal, of NumPy or JAX.

    Attributes:
        scale: square roots of the diagonal's absolute values; 1 where zero or not finite.
        matrix: the Hessian in these units; that of the identity where not finite.
    """

    scale: Any
    matrix: Any

    @property
    def _is_large(self) -> bool:
        return namespace(self.matrix) is np and len(self.matrix) > _MANY

    @cached_property
    def decomposition(self) -> tuple[Any, Any]:
        """Its eigenvalues, ascending, and eigenvectors."""
        with one_blas_thread() if self._is_large else nullcontext():
            values, vectors = namespace(self.matrix).linalg.eigh(self.matrix)
        return values, vectors

    @cached_property
    def values(self) -> Any:
        """Its eigenvalues, ascending."""
        if not self._is_large:
            return self.decomposition[0]
        with one_blas_thread():
            return np.linalg.eigvalsh(self.matrix)

    @cached_property
    def _is_definite(self) -> bool:
        """Whether it is plainly positive definite, of many numbers in NumPy."""
        if not self._is_large:
            return False
        try:
            pivots = np.linalg.cholesky(self.matrix).diagonal()
        except np.linalg.LinAlgError:
            return False
        return bool(np.min(pivots) ** 2 > _PIVOT)

    def descent(self, gradient: Any) -> Any:
        """Return the step to the quadratic model's minimum, with absolute values of eigenvalues."""
        if self._is_definite:
            return -np.linalg.solve(self.matrix, gradient)
        values, vectors = self.decomposition
        xp = namespace(gradient)
        size = xp.abs(values)
        # an eigenvalue of rounding size gives no direction worth more than the region's radius
        least = 1e-14 * xp.max(size)
        least = xp.where(least > 0.0, least, 1.0)
        along = vectors.T @ gradient / xp.maximum(size, least)
        return -(vectors @ along)


def scaled_hessian(hessian: Any) -> ScaledHessian:
    """Return a Hessian in units of its diagonal, of NumPy or JAX.

    The last ones of NumPy are remembered: the last step of a solve, its convergence check and the
    covariance have the same.
    """
    xp = namespace(hessian)
    return _of(hessian.tobytes(), len(hessian)) if xp is np else _scaled(xp, hessian)


@lru_cache(maxsize=4)
def _of(content: bytes, size: int) -> ScaledHessian:
    return _scaled(np, np.frombuffer(content).reshape(size, size))


def _scaled(xp: Any, hessian: Any) -> ScaledHessian:
    size = xp.sqrt(xp.abs(xp.linalg.diagonal(hessian)))
    scale = xp.where(xp.isfinite(size) & (size > 0.0), size, 1.0)
    matrix = hessian / (scale[:, None] * scale)
    matrix = xp.where(xp.isfinite(matrix), matrix, xp.eye(scale.shape[0]))
    return ScaledHessian(scale, matrix)


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
    own = scaled_hessian(hessian)
    # with several threads of a busy machine the inverse of 300 numbers takes 0.2 s, not 0.02
    with one_blas_thread() if len(own.matrix) > _MANY else nullcontext():
        out: Vector = np.linalg.inv(own.matrix) / (own.scale[:, None] * own.scale)
    return 0.5 * (out + out.T)
