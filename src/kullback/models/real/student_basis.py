"""Basis functions of w = (x − loc)/scale for Student's t and Cauchy distributions."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.basis_form import Accurate, BasisForm

# Basis functions of both distributions, with w the scaled distance from loc.
BASIS = ("log(1 + w²)", "w²/(1 + w²)", "w/(1 + w²)")


def write_basis(x: Vector, rows: Vector, loc: float | Vector, unit: float | Vector) -> Accurate:
    """Write the basis functions at w = (x − loc)/unit; False where 1/unit overflows."""
    log1p, q, u, w = rows
    np.subtract(x, loc, out=w)
    np.multiply(w, np.divide(1.0, unit), out=w)
    np.multiply(w, w, out=u)
    np.log1p(u, out=log1p)
    np.add(u, 1.0, out=u)
    np.divide(w, u, out=u)
    np.multiply(w, u, out=q)
    return unit > sys.float_info.min  # tied rows can drive the scale to zero


def basis_derivatives(
    basis: Sequence[BasisForm],
) -> tuple[Sequence[BasisForm], Sequence[BasisForm]]:
    """Return the derivatives of the basis functions in w, and w times them."""
    _, q, u = basis
    # q = w u, and u² = q (1 − q)
    along = (2.0 * u, 2.0 * u * (1.0 - q), (1.0 - q) * (1.0 - 2.0 * q))
    times_w = (2.0 * q, 2.0 * q * (1.0 - q), u * (1.0 - 2.0 * q))
    return along, times_w
