"""The gamma functions of NSB's posterior, in forms that keep their digits where β is large."""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector

# From here on Stirling's series with the terms below is right to 1e-16.
_LARGE = 16.0


def log_rising(count: Vector, a: Vector) -> Vector:
    """Log of Γ(a + n) / (Γ(a) a^n) = Π (1 + m/a), m < n; it vanishes as a → ∞ without rounding."""
    from scipy.special import gammaln

    count, a = np.broadcast_arrays(count, a)
    large = a >= _LARGE
    value = np.empty(a.shape)
    n, z = count[~large], a[~large]
    value[~large] = gammaln(z + n) - gammaln(1.0 + z) + (1.0 - n) * np.log(z)
    n, z = count[large], a[large]
    x = n / z
    value[large] = (z + n - 0.5) * _log1p_minus(x) + (n - 0.5) * x + _stirling(z + n) - _stirling(z)
    return value


def _log1p_minus(x: Vector) -> Vector:
    """log(1 + x) − x for x ≥ 0: −r x + 2 (r³/3 + r⁵/5 + …) with r = x/(2 + x) where x is small."""
    near = x < 0.25  # r² <= 1/81: eight terms leave 1e-17; beyond, the subtraction costs 3 bits
    r = np.where(near, x, 0.0)
    r = r / (2.0 + r)
    square = r * r
    tail = np.zeros_like(r)
    for k in reversed(range(8)):
        tail = tail * square + 1.0 / (2 * k + 3)
    return np.where(near, r * (2.0 * square * tail - x), np.log1p(x) - x)


def _stirling(z: Vector) -> Vector:
    """Ln Γ(z) less Stirling's approximation, for z ≥ 16: B_2k / (2k (2k − 1) z^(2k − 1)), k ≤ 6."""
    w = 1.0 / z
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
    return w * np.asarray(np.polynomial.polynomial.polyval(w * w, terms), dtype=np.float64)


def _trigamma_tail(z: Vector) -> Vector:
    """The value of z ψ′(z) − 1 for z ≥ 16: 1/(2z) + Σ B_2k / z^2k, k ≤ 6."""
    w = 1.0 / z
    terms = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730)
    return w * (0.5 + w * np.asarray(np.polynomial.polynomial.polyval(w * w, terms)))


def excess(alpha: Vector) -> Vector:
    """g(α) = (α + 1) ψ′(α + 1) − 1 for α ≥ 0; about 1/(2α) where α is large."""
    from scipy.special import zeta

    z = np.asarray(alpha + 1.0)
    large = z >= _LARGE
    value = np.empty(z.shape)
    value[large] = _trigamma_tail(z[large])
    value[~large] = z[~large] * zeta(2.0, z[~large]) - 1.0  # ψ′(z) is Hurwitz' ζ(2, z)
    return value


def slope(a: Vector, beta: Vector | None = None) -> Vector:
    """dξ/dt = a ψ′(a + 1) − β ψ′(β + 1), the prior's density; without the β-term where K = ∞.

    Both terms tend to 1 as β → ∞. There their differences from 1 are subtracted instead:
    1 − z ψ′(z + 1) = (1 − z g(z)) / (z + 1).
    """
    g = excess(a)
    slope = a * (1.0 + g) / (1.0 + a)
    if beta is None:
        return slope
    h = excess(beta)
    direct = slope - beta * (1.0 + h) / (1.0 + beta)
    return np.where(a < 1.0, direct, (1.0 - beta * h) / (1.0 + beta) - (1.0 - a * g) / (1.0 + a))
