"""Integral of a log-concave density's tail, relative to its height where the tail begins.

For large parameters the tails of the gamma, beta and von Mises distributions are near normal, and
their series and continued fractions need about √(parameter) steps. Quadrature does not: relative to
its value at the near end the integrand falls smoothly from 1 to 0, and Gauss–Legendre with 32 nodes
is accurate to the last digits for any parameters.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Vector
from kullback._core.derivatives import compiled_loop, compiles_loops, is_traced_for_numpy
from kullback.special.shared import pairs

# The integrand is cut where it is exp(-40) = 4e-18 of its start. Between a half-normal and an
# exponential of any slope 24 nodes leave less than 1e-15; 32 leave room for skewness (tested).
LOG_CUT = 40.0
# The nodes in (0, 1/2) of the 32-point Gauss–Legendre rule on (0, 1), and their weights, rounded
# from 40 digits: NumPy's leggauss is wrong by 6e-14 in the outer weights.
_HALF_RULE = (
    (0.0013680690752592183, 0.003509305004735048),
    (0.007194244227365833, 0.008137197365452835),
    (0.017618872206246784, 0.01269603265463103),
    (0.03254696203113015, 0.017136931456510716),
    (0.05183942211697394, 0.02141794901111334),
    (0.07531619313371501, 0.025499029631188087),
    (0.1027581020160288, 0.029342046739267772),
    (0.13390894062985517, 0.032911111388180925),
    (0.1684778665348924, 0.03617289705442425),
    (0.20614212137961885, 0.039096947893535156),
    (0.2465500455338853, 0.041655962113473374),
    (0.2893243619346823, 0.043826046502201906),
    (0.33406569885893617, 0.045586939347881945),
    (0.38035631887393145, 0.04692219954040228),
    (0.42776401920860174, 0.04781936003963743),
    (0.4758461671561308, 0.0482700442573639),
)
NODES = np.array([node for node, _ in _HALF_RULE] + [1.0 - node for node, _ in _HALF_RULE])
WEIGHTS = np.array([weight for _, weight in _HALF_RULE] * 2)


def reach(slope: jax.Array, curvature: jax.Array) -> jax.Array:
    """Return the h ≥ 0 at which slope·h + curvature·h²/2 = LOG_CUT, for slope and curvature ≥ 0."""
    return 2.0 * LOG_CUT / (slope + jnp.sqrt(slope * slope + 2.0 * LOG_CUT * curvature))


def log_tail_integral(
    log_integrand: Callable[[jax.Array], jax.Array],
    length: jax.Array,
    active: jax.Array,
    *,
    differentiated: bool = False,
) -> jax.Array:
    """Return ln ∫₀^length exp(log_integrand(h)) dh where `active`, ln(length) elsewhere.

    Args:
        log_integrand: a decreasing function of h ≥ 0, 0 at 0; finite for inactive elements too.
        length: the range, without a tangent if it is only a cut-off.
        active: the elements to compute; if there are none, no node is evaluated.
        differentiated: whether derivatives come from those of the integrand.
    """
    if differentiated and is_traced_for_numpy():  # which does not differentiate loops
        rule = zip(NODES, WEIGHTS, strict=True)
        added = sum(w * jnp.exp(log_integrand(length * node)) for node, w in rule)
        return jnp.log(length) + jnp.log(jnp.where(active, added, 1.0))
    nodes = jnp.asarray(NODES, length.dtype)
    weights = jnp.asarray(WEIGHTS, length.dtype)
    start = jnp.zeros(jnp.shape(jax.eval_shape(log_integrand, length)), length.dtype)

    def add(i: jax.Array, total: jax.Array) -> jax.Array:
        return total + weights[i] * jnp.exp(log_integrand(length * nodes[i]))

    # A trip count that depends on the data: zero when no element needs the integral.
    steps = jnp.where(jnp.any(active), NODES.size, 0)
    total = jax.lax.fori_loop(0, steps, add, start)
    return jnp.log(length) + jnp.log(jnp.where(active, total, 1.0))


def add_up(
    terms: Callable[..., Sequence[jax.Array]],
    sums: int,
    like: jax.Array,
    *tables: Vector,
    steps: Callable[[], tuple[jax.Array | int, jax.Array]] | None = None,
) -> Sequence[jax.Array]:
    """Add terms over the entries of tables: in a loop, for NumPy along an axis of its own.

    Args:
        terms: of an entry of each table, as scalars or as columns.
        sums: how many terms there are.
        like: an array of the shape and type of the sums.
        tables: equally long.
        steps: returns the first of the entries that are added, and the one after the last.
    """
    if compiles_loops():
        added: Sequence[jax.Array] = compiled_loop(
            lambda: add_up(terms, sums, like, *tables, steps=steps)
        )
        return added
    if is_traced_for_numpy():
        columns = (jnp.asarray(table[:, None]) for table in tables)
        shape = (len(tables[0]), *(jnp.shape(like) or (1,)))
        summed = (jnp.sum(jnp.broadcast_to(v, shape), axis=0) for v in terms(*columns))
        return [jnp.reshape(v, jnp.shape(like)) for v in summed]
    numbers = [jnp.asarray(table, like.dtype) for table in tables]

    def add(i: jax.Array, totals: list[jax.Array]) -> list[jax.Array]:
        found = terms(*(table[i] for table in numbers))
        return [total + term for total, term in zip(totals, found, strict=True)]

    start = [jnp.zeros_like(like)] * sums
    begin, end = (0, len(tables[0])) if steps is None else steps()
    found: list[jax.Array] = jax.lax.fori_loop(begin, end, add, start)
    return found


def add_moments(
    formula: Callable[..., tuple[jax.Array, Sequence[jax.Array]]],
    count: int,
    like: jax.Array,
    *tables: Vector,
    steps: Callable[[], tuple[jax.Array | int, jax.Array]] | None = None,
) -> Sequence[jax.Array]:
    """Add f, f v_i and f v_i v_j, j ≤ i, of factors v over the entries of tables, as ``add_up``.

    A round of the loop adds the products of the round before, whose factors it has in memory: the
    compiler would otherwise compute them anew for every sum (a Student t interval: 40 ns a node).

    Args:
        formula: returns f and the factors, of an entry of each table.
        count: how many factors there are.
        like: an array of the shape and type of the sums.
        tables: equally long.
        steps: returns the first of the entries that are added, and the one after the last.
    """

    def products(f: jax.Array, values: Sequence[jax.Array]) -> list[jax.Array]:
        first = [f * value for value in values]
        return [f, *first, *(first[i] * values[j] for i, j in pairs(count))]

    size = 1 + count + len(pairs(count))
    if compiles_loops():
        moments: Sequence[jax.Array] = compiled_loop(
            lambda: add_moments(formula, count, like, *tables, steps=steps)
        )
        return moments
    if is_traced_for_numpy():
        return add_up(lambda *entries: products(*formula(*entries)), size, like, *tables)
    numbers = [jnp.asarray(table, like.dtype) for table in tables]
    zero = jnp.zeros_like(like)

    def add(i: jax.Array, state: Any) -> Any:
        totals, f, values = state
        found, factors = formula(*(table[i] for table in numbers))
        added = [total + term for total, term in zip(totals, products(f, values), strict=True)]
        return added, found, list(factors)

    begin, end = (0, len(tables[0])) if steps is None else steps()
    start = ([zero] * size, zero, [zero] * count)
    totals, f, values = jax.lax.fori_loop(begin, end, add, start)
    return [total + term for total, term in zip(totals, products(f, values), strict=True)]


class Warp:
    """Nodes between 0 and a length that are denser near a centre, for a feature of a given size.

    With h = centre + size · sinh(w − w₀), a singularity at centre ± i size lies π/2 off the line
    of w, whose range grows with the logarithm of the length only.

    Args:
        length: the range of h.
        centre: where the feature is, from 0 to the length.
        size: the distance of the nearest singularity from the line.

    Attributes:
        range: of w.
    """

    def __init__(self, length: jax.Array, centre: jax.Array, size: float) -> None:
        self._size = size
        before, after = asinh(centre / size), asinh((length - centre) / size)
        self.range = before + after
        self._lift = jnp.exp(before)

    def __call__(self, node: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return h, to relative precision, and dh/dnode, for a node in (0, 1)."""
        rise = jnp.expm1(0.5 * self.range * node)
        half = 1.0 + rise
        r = 1.0 / half
        lift, drop = self._lift, 1.0 / self._lift
        h = 0.5 * self._size * (rise + rise * r) * (half * drop + r * lift)
        return h, 0.5 * self._size * self.range * (half * half * drop + r * r * lift)


def asinh(x: jax.Array) -> jax.Array:
    """Inverse hyperbolic sine for x ≥ 0."""
    square = x * x
    return jnp.log1p(x + square / (1.0 + jnp.sqrt(1.0 + square)))
