"""Adaptive Gauss–Kronrod quadrature of several integrands at once, on panels that grow outwards.

All panels of a round are evaluated in one call. Panels whose error is too large are halved; outside
the outermost ones new panels are added until what they hold is nothing beside the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector

# Nodes in (0, 1] of the 21-point Kronrod rule on (−1, 1), its weights, and those of the 10-point
# Gauss rule on every second node (Piessens et al., 1983, QUADPACK, routine QK21).
_NODES = (
    0.995657163025808080735527280689003,
    0.973906528517171720077964012084452,
    0.930157491355708226001207180059508,
    0.865063366688984510732096688423493,
    0.780817726586416897063717578345042,
    0.679409568299024406234327365114874,
    0.562757134668604683339000099272694,
    0.433395394129247190799265943165784,
    0.294392862701460198131126603103866,
    0.148874338981631210884826001129720,
)
_WEIGHTS = (
    0.011694638867371874278064396062192,
    0.032558162307964727478818972459390,
    0.054755896574351996031381300244580,
    0.075039674810919952767043140916190,
    0.093125454583697605535065465083366,
    0.109387158802297641899210590325805,
    0.123491976262065851077958109585166,
    0.134709217311473325928054001771707,
    0.142775938577060080797094273138717,
    0.147739104901338491374841515972068,
)
_CENTRE_WEIGHT = 0.149445554002916905664936468389821
_GAUSS = (
    0.066671344308688137593568809893332,
    0.149451349150580593145863396957658,
    0.219086362515982043995534934228163,
    0.269266719309996355091226921569469,
    0.295524224714752870173815619188769,
)


def _rule() -> tuple[Vector, Vector, Vector]:
    half, weights = np.array(_NODES), np.array(_WEIGHTS)
    gauss = np.zeros(10)
    gauss[1::2] = _GAUSS
    nodes = np.concatenate([-half, [0.0], half[::-1]])
    kronrod = np.concatenate([weights, [_CENTRE_WEIGHT], weights[::-1]])
    return nodes, kronrod, np.concatenate([gauss, [0.0], gauss[::-1]])


NODES, KRONROD, GAUSS = _rule()

# Halving stops after this many rounds: a panel is then 1e-9 of what it was, and what still
# disagrees is rounding or a singularity, which the error tells.
_ROUNDS = 30
# Largest number of panels of a round, so that an integrand of noise ends: 16,380 points.
_MOST = 780
# New panels a round on a side, and their greatest width: e^8 is as coarse as a tail may be sampled.
_STEP, _WIDEST = 8, 8.0
# The outermost panel may hold this share of the whole.
_NEGLIGIBLE = 1e-17

_Chosen: TypeAlias = "npt.NDArray[np.bool_] | slice"
Integrand: TypeAlias = Callable[[Vector], Vector]


@final
@dataclass(frozen=True)
class Integrals:
    """Integrals of K functions.

    Attributes:
        values: shape (K,).
        errors: the quadrature's own estimate of the error of each.
        sizes: the integrals of the absolute values.
        first, last: the range covered.
        reached: whether the left and the right end of what was allowed has been come to with
            something left.
    """

    values: Vector
    errors: Vector
    sizes: Vector
    first: float
    last: float
    reached: tuple[bool, bool]


@final
@dataclass
class _Panels:
    left: Vector
    right: Vector
    values: Vector  # (panels, K)
    errors: Vector
    sizes: Vector

    def joined(self, other: _Panels, kept: npt.NDArray[np.bool_]) -> _Panels:
        pairs = [
            np.concatenate([getattr(self, name)[kept], getattr(other, name)])
            for name in ("left", "right", "values", "errors", "sizes")
        ]
        return _Panels(*pairs)


def _evaluate(integrand: Integrand, left: Vector, right: Vector) -> _Panels:
    half = 0.5 * (right - left)
    v = (0.5 * (left + right))[:, None] + half[:, None] * NODES
    f = integrand(v.reshape(-1)).reshape(-1, v.shape[0], NODES.size)
    values = np.einsum("kpn,n,p->pk", f, KRONROD, half)
    gauss = np.einsum("kpn,n,p->pk", f, GAUSS, half)
    sizes = np.einsum("kpn,n,p->pk", np.abs(f), KRONROD, half)
    mean = values / (2.0 * half[:, None])
    # QUADPACK's scaling: the difference of the two rules is the error of the poorer one
    with np.errstate(divide="ignore", invalid="ignore"):  # what is infinite stays so, and is told
        spread = np.einsum("kpn,n,p->pk", np.abs(f - mean.T[:, :, None]), KRONROD, half)
        share = np.minimum(1.0, (200.0 * np.abs(values - gauss) / spread) ** 1.5)
    errors = np.where(spread > 0.0, spread * share, 0.0)
    return _Panels(left, right, values, errors, sizes)


def integrate(
    integrand: Integrand,
    edges: Vector,
    limits: tuple[float, float],
    *,
    tolerance: float = 1e-13,
    floor: Callable[[Vector], Vector] | None = None,
    wanted: Callable[[Vector], npt.NDArray[np.bool_]] | None = None,
) -> Integrals:
    """Integrate K functions of v from limit to limit.

    Args:
        integrand: from (n,) points to (K, n) values.
        edges: of the first panels, ascending, at least two.
        limits: between which v must stay.
        tolerance: the error allowed, as a share of the integral of the absolute value.
        floor: from these integrals (K,) to the errors that rounding makes anyway.
        wanted: from the values so far (K,) to the integrals that have to be right.

    Returns:
        The integrals and their errors; NaN or infinite where the integrand is.
    """
    panels = _evaluate(integrand, edges[:-1], edges[1:])
    chosen: _Chosen = slice(None)
    for _ in range(_ROUNDS):
        total = panels.sizes.sum(axis=0)
        if wanted is not None:
            chosen = wanted(panels.values.sum(axis=0))
        if not np.all(np.isfinite(total[chosen])):
            break
        new = _outside(panels, total, limits, chosen)
        allowed = np.maximum(tolerance * total, 0.0 if floor is None else floor(total))
        # the panels that are worst in any of the integrals, until the rest is allowed
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
    first, last = float(panels.left.min()), float(panels.right.max())
    total = panels.sizes.sum(axis=0)
    left_over = (
        first <= limits[0] and _matters(panels, total, int(np.argmin(panels.left)), chosen),
        last >= limits[1] and _matters(panels, total, int(np.argmax(panels.right)), chosen),
    )
    values, errors = panels.values.sum(axis=0), panels.errors.sum(axis=0)
    return Integrals(values, errors, total, first, last, left_over)


def _matters(panels: _Panels, total: Vector, which: int, chosen: _Chosen) -> bool:
    return bool(np.any((panels.sizes[which] > _NEGLIGIBLE * total)[chosen]))


def _outside(
    panels: _Panels, total: Vector, limits: tuple[float, float], chosen: _Chosen
) -> Vector:
    """Give the panels to be added beyond the outermost ones, shape (n, 2)."""
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
