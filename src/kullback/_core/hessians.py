"""Scaled eigenvalues and inverse of a Hessian."""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector

# Below this the smallest eigenvalue of the scaled Hessian is rounding, and the matrix singular.
SINGULAR = 1e-13


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
