"""Adaptive Gauss–Kronrod quadrature of several integrands at once, on panels that grow outwards.

All panels of a round are evaluated in one call: panels whose error is too large are halved, and new
ones are added outside the outermost until these hold a negligible share. SciPy evaluates one region
a call: for 24 relative entropies it takes 41 s (``cubature``) or 14 s (``quad_vec``) instead of 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector

# Nodes in [0, 1] of the 21-point Kronrod rule on (−1, 1), the outermost first, its weights, and
# those of the 10-point Gauss rule (Piessens et al., 1983, QUADPACK, routine QK21).
_HALF = np.array(
    [
        (0.9956571630258081, 0.011694638867371874, 0.0),
        (0.9739065285171717, 0.032558162307964725, 0.06667134430868814),
        (0.9301574913557082, 0.054755896574351995, 0.0),
        (0.8650633666889845, 0.07503967481091996, 0.1494513491505806),
        (0.7808177265864169, 0.0931254545836976, 0.0),
        (0.6794095682990244, 0.10938715880229764, 0.21908636251598204),
        (0.5627571346686047, 0.12349197626206584, 0.0),
        (0.4333953941292472, 0.13470921731147334, 0.26926671930999635),
        (0.2943928627014602, 0.14277593857706009, 0.0),
        (0.14887433898163122, 0.14773910490133849, 0.29552422471475287),
        (0.0, 0.1494455540029169, 0.0),
    ]
).T

NODES = np.concatenate([-_HALF[0, :-1], _HALF[0, ::-1]])
KRONROD, GAUSS = np.concatenate([_HALF[1:, :-1], _HALF[1:, ::-1]], axis=1)

# The error allowed, as a share of the integral of the absolute value.
_TOLERANCE = 1e-13
# Halving stops after this many rounds: a panel is then 1e-9 of its first width, and the remaining
# difference is rounding or a singularity, which the error shows.
_ROUNDS = 30
# Largest number of panels of a round, so that an integrand of noise ends: 16,380 points.
_MOST = 780
# New panels a round on a side, and their greatest width: e^8 is the coarsest step in a tail.
_STEP, _WIDEST = 8, 8.0
# The outermost panel may hold this share of the whole.
_NEGLIGIBLE = 1e-17

Integrand: TypeAlias = Callable[[Vector], Vector]
_Chosen: TypeAlias = npt.NDArray[np.bool_]


class Integrals(NamedTuple):
    """Integrals of K functions."""

    values: Vector  # shape (K,)
    errors: Vector  # the quadrature's own estimate of each error
    sizes: Vector  # the integrals of the absolute values
    first: float  # left end of the range covered
    last: float  # right end
    reached: tuple[bool, bool]  # whether each limit was reached with something beyond it


class _Panels(NamedTuple):
    left: Vector
    right: Vector
    values: Vector  # (panels, K)
    errors: Vector
    sizes: Vector

    def joined(self, other: _Panels, kept: _Chosen) -> _Panels:
        pairs = zip(self, other, strict=True)
        return _Panels(*(np.concatenate([own[kept], more]) for own, more in pairs))


def _evaluate(integrand: Integrand, left: Vector, right: Vector) -> _Panels:
    half = 0.5 * (right - left)
    v = (0.5 * (left + right))[:, None] + half[:, None] * NODES
    f = integrand(v.reshape(-1)).reshape(-1, v.shape[0], NODES.size)
    values = np.einsum("kpn,n,p->pk", f, KRONROD, half)
    gauss = np.einsum("kpn,n,p->pk", f, GAUSS, half)
    sizes = np.einsum("kpn,n,p->pk", np.abs(f), KRONROD, half)
    mean = values / (2.0 * half[:, None])
    # QUADPACK's scaling, as the difference of the two rules is the error of the less accurate one
    with np.errstate(divide="ignore", invalid="ignore"):  # an infinite integrand is reported later
        spread = np.einsum("kpn,n,p->pk", np.abs(f - mean.T[:, :, None]), KRONROD, half)
        share = np.minimum(1.0, (200.0 * np.abs(values - gauss) / spread) ** 1.5)
    errors = np.where(spread > 0.0, spread * share, 0.0)
    return _Panels(left, right, values, errors, sizes)


def integrate(
    integrand: Integrand,
    edges: Vector,
    limits: tuple[float, float],
    *,
    rounding: Callable[[Vector], Vector],
    required: Callable[[Vector], _Chosen],
) -> Integrals:
    """Integrate K functions of v from limit to limit.

    Args:
        integrand: from (n,) points to (K, n) values.
        edges: of the first panels, ascending, at least two.
        limits: the range of v.
        rounding: from these integrals (K,) to their rounding errors, which are always allowed.
        required: from the values so far (K,) to the integrals that must be accurate.

    Returns:
        The integrals and their errors; NaN or infinite where the integrand is.
    """
    panels = _evaluate(integrand, edges[:-1], edges[1:])
    for _ in range(_ROUNDS):
        total = panels.sizes.sum(axis=0)
        chosen = required(panels.values.sum(axis=0))
        if not np.all(np.isfinite(total[chosen])):
            break
        new = _outside(panels, total, limits, chosen)
        allowed = np.maximum(_TOLERANCE * total, rounding(total))
        # halve the panels with the largest errors in any integral that is not yet accurate
        open_ = panels.errors.sum(axis=0) > allowed
        large = (panels.errors > allowed / (2.0 * panels.left.size)) & open_
        bad = np.any(large[:, chosen], axis=1)
        bad &= panels.right - panels.left > 1e-12 * (np.abs(panels.left) + np.abs(panels.right))
        if not new.size and not bad.any():
            break
        if int(bad.sum()) > _MOST:
            shares = panels.errors[:, chosen] / np.maximum(allowed[chosen], 1e-308)
            worst = np.argsort(np.max(shares, axis=1))
            bad = np.zeros_like(bad)
            bad[worst[-_MOST:]] = True
        middle = 0.5 * (panels.left[bad] + panels.right[bad])
        left = np.concatenate([new[:, 0], panels.left[bad], middle])
        right = np.concatenate([new[:, 1], middle, panels.right[bad]])
        panels = panels.joined(_evaluate(integrand, left, right), ~bad)
    i, j = int(np.argmin(panels.left)), int(np.argmax(panels.right))
    first, last = float(panels.left[i]), float(panels.right[j])
    values, errors, total = (a.sum(axis=0) for a in panels[2:])
    reached = (
        first <= limits[0] and _matters(panels, total, i, chosen),
        last >= limits[1] and _matters(panels, total, j, chosen),
    )
    return Integrals(values, errors, total, first, last, reached)


def _matters(panels: _Panels, total: Vector, which: int, chosen: _Chosen) -> bool:
    return bool(np.any((panels.sizes[which] > _NEGLIGIBLE * total)[chosen]))


def _outside(
    panels: _Panels, total: Vector, limits: tuple[float, float], chosen: _Chosen
) -> Vector:
    """Return the panels to be added beyond the outermost ones, shape (n, 2)."""
    new: list[tuple[float, float]] = []
    i, j = int(np.argmin(panels.left)), int(np.argmax(panels.right))
    for which, sign, limit in ((i, -1.0, limits[0]), (j, 1.0, limits[1])):
        edge = float(panels.left[which] if sign < 0.0 else panels.right[which])
        width = float(panels.right[which] - panels.left[which])
        if not _matters(panels, total, which, chosen):
            continue
        for _ in range(_STEP):
            if edge == limit:
                break
            width = min(2.0 * width, _WIDEST)
            further = edge + sign * width
            further = max(further, limit) if sign < 0.0 else min(further, limit)
            new.append((min(edge, further), max(edge, further)))
            edge = further
    return np.array(new).reshape(-1, 2)
