"""Natural cubic splines by their values at the knots.

Between knots the spline is cubic with a continuous second derivative, which is 0 at both ends;
beyond them it is linear. The functions of the basis are 1 at one knot and 0 at the others, so that
a coefficient is a value of the spline. Source: C. de Boor (1978), "A practical guide to splines".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._core.arrays import Vector, namespace


def curvatures(knots: Vector) -> Vector:
    """Return the second derivative of each function at each knot, shape (functions, knots)."""
    count = len(knots)
    out = np.zeros((count, count))
    if count > 2:
        h = np.diff(knots)
        system = np.diag((h[:-1] + h[1:]) / 3.0)
        system += np.diag(h[1:-1] / 6.0, 1) + np.diag(h[1:-1] / 6.0, -1)
        slopes = np.diff(np.eye(count), axis=0) / h[:, None]
        out[:, 1:-1] = np.linalg.solve(system, np.diff(slopes, axis=0)).T
    return out


def natural_spline(x: Any, knots: Vector, second: Vector) -> tuple[Any, ...]:
    """Return every function of the basis at x, with NumPy or JAX.

    Args:
        x: shape (rows,).
        knots: ascending.
        second: what ``curvatures`` returns.
    """
    xp = namespace(x)
    k, m = xp.asarray(knots), xp.asarray(second)
    at = xp.clip(xp.searchsorted(k, x, side="right") - 1, 0, len(knots) - 2)
    inside = xp.clip(x, knots[0], knots[-1])
    h = k[at + 1] - k[at]
    a, b = (k[at + 1] - inside) / h, (inside - k[at]) / h
    beyond = x - inside  # where it is not 0, the spline continues along its slope there
    out = []
    for j in range(len(knots)):
        left, right = (at == j) * 1.0, (at + 1 == j) * 1.0
        low, high = m[j][at], m[j][at + 1]
        value = a * left + b * right
        value = value + ((a**3 - a) * low + (b**3 - b) * high) * h * h / 6.0
        slope = (right - left) / h
        slope = slope + ((1.0 - 3.0 * a * a) * low + (3.0 * b * b - 1.0) * high) * h / 6.0
        out.append(value + beyond * slope)
    return tuple(out)
