"""Moments of functions over an interval under a density, from one sum that keeps its digits.

A log-density that is concave in v, and affine in a few functions of v with coefficients that depend
on the parameters, has an integral between two ends whose logarithm has the mean of the scores as
its score, and the covariances of the functions in its second derivatives. The integrand is relative
to its largest value, at the point of the interval nearest to the mode, and cut on both sides where
it has fallen so far that it does not count. No difference of tails is taken, so that no digits
cancel, whatever the width. Gauss–Legendre with 48 nodes, denser near a feature of the density, is
accurate to 1e-13 across the mode of any gamma, beta or Student t distribution; with 40 nodes second
moments lose it (1e-9 for the exponential distribution).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.derivatives import compiles_loops, is_traced_for_numpy
from kullback.special.shared import pairs
from kullback.special.tail_quadrature import NODES, WEIGHTS, Warp, add_moments

# The nodes in (0, 1/2) of the 48-point Gauss–Legendre rule on (0, 1), and their weights, rounded
# from 50 digits.
_HALF_RULE = (
    (0.0006144963737869407, 0.0015766730261529192),
    (0.003234913866824621, 0.0036637769506381312),
    (0.007937708138586571, 0.00573861728961727),
    (0.014704203726876374, 0.007789657861471924),
    (0.02350614841978457, 0.009808080228677764),
    (0.034306654646722834, 0.01178538041966219),
    (0.04706043164221516, 0.013713254854178474),
    (0.06171398986287606, 0.015583613916399045),
    (0.07820586918780323, 0.01738861128238522),
    (0.09646689798527869, 0.019120675532915354),
    (0.11642048374212983, 0.020772541471732374),
    (0.13798293453809268, 0.02233728042834714),
    (0.16106381018366805, 0.02380832924624524),
    (0.1855663016117432, 0.025179517776927236),
    (0.21138763695801366, 0.026445094742596834),
    (0.23841951263888347, 0.027599751849992082),
    (0.2665485476245208, 0.028638646050201607),
    (0.2956567590046416, 0.029557419849197818),
    (0.32562205685391965, 0.03035221958294694),
    (0.3563187563222722, 0.031019711579946332),
    (0.38761810480265546, 0.03155709614312701),
    (0.41938882196555416, 0.03196211929232409),
    (0.4514976503952686, 0.032233082217975044),
    (0.4838099145185653, 0.03236884840634196),
)
_NODES = np.array([node for node, _ in _HALF_RULE] + [1.0 - node for node, _ in _HALF_RULE])
_WEIGHTS = np.array([weight for _, weight in _HALF_RULE] * 2)
# Where the density falls to e^−12 of its largest value at most, on a short line of nodes, 32 nodes
# leave 2e-14 in means and 2e-13 in covariances (200,000 random intervals of each distribution).
_LITTLE, _SHORT = 12.0, 3.0


class Moments(NamedTuple):
    """What an interval adds to the derivatives of a log-probability.

    Attributes:
        log_total: the logarithm of the integral of the density over its largest value.
        means: of the functions.
        covariances: the lower triangle, row by row.
    """

    log_total: jax.Array
    means: tuple[jax.Array, ...]
    covariances: tuple[jax.Array, ...]


def interval_moments(
    formula: Callable[[jax.Array], tuple[jax.Array, Sequence[jax.Array]]],
    count: int,
    below: jax.Array,
    above: jax.Array,
    feature: tuple[jax.Array, float],
) -> Moments:
    """Return the moments of functions over an interval.

    Args:
        formula: of the signed distance from the point where the density is largest; returns how
            far its logarithm has fallen, and the functions.
        count: how many functions there are.
        below: how far the interval extends below that point, finite; the distance is exact where
            the other one is 0.
        above: how far above it.
        feature: the place of the density's feature, as such a distance, and its size: that of the
            nearest singularity's distance from the line.
    """
    length = below + above
    place, size = feature
    warp = Warp(length, jnp.clip(place + below, 0.0, length), size)

    def weighted(node: jax.Array, weight: jax.Array) -> tuple[jax.Array, Sequence[jax.Array]]:
        distance, step = warp(node)
        fall, values = formula(distance - below)
        return weight * step * jnp.exp(-fall), values

    if is_traced_for_numpy() and not compiles_loops():
        tables = _NODES, _WEIGHTS
    else:
        tables = np.concatenate([NODES, _NODES]), np.concatenate([WEIGHTS, _WEIGHTS])

    def steps() -> tuple[jax.Array, jax.Array]:
        easy = (formula(-below)[0] <= _LITTLE) & (formula(above)[0] <= _LITTLE)
        enough = jnp.all(easy & (warp.range <= _SHORT))
        few, all_of_both = NODES.size, NODES.size + _NODES.size
        return jnp.where(enough, 0, few), jnp.where(enough, few, all_of_both)

    total, *sums = add_moments(weighted, count, length, *tables, steps=steps)
    r = 1.0 / jnp.where(total > 0.0, total, 1.0)
    means = tuple(v * r for v in sums[:count])
    second = zip(sums[count:], pairs(count), strict=True)
    covariances = tuple(v * r - means[i] * means[j] for v, (i, j) in second)
    return Moments(jnp.log(total), means, covariances)
