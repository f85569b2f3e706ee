"""Log-probabilities that an outcome lies between ends, from densities and tails, in JAX.

Between ends far apart it is a difference of two tails, of the smaller ones. Where these nearly
cancel, the density is added up instead: over whole numbers, or by a Gauss–Legendre sum in a
variable in which it is smooth up to the ends of its support. The derivatives come from those of the
tails and of the density: the score is the mean score between the ends, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.derivatives import first_and_second, is_traced_for_numpy
from kullback._core.domains import Interval
from kullback.special.moving_ends import by_jet
from kullback.special.shared import Jet, choose, kept, pairs, shared_derivatives
from kullback.special.smooth import log1mexp
from kullback.special.tail_quadrature import add_up

# Where one tail is less than e^0.1 times the other, their difference would lose more than a digit.
# The density then changes so little that 16 nodes reach rounding (tests/rows compare with mpmath).
_NARROW = 0.1
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_NODES, _WEIGHTS = 0.5 * (1.0 + _NODES), 0.5 * _WEIGHTS

# So many probabilities of whole numbers are added up; of more, the tails are subtracted.
_MOST_COUNTS = 32
_COUNTS = np.arange(float(_MOST_COUNTS))


# A node's outcomes and weights, from its entries in tables.
Node: TypeAlias = Callable[..., tuple[Array, Array]]


@runtime_checkable
class Tailed(Protocol):
    """What is needed of a model."""

    @property
    def support(self) -> Interval:
        """The possible outcomes."""

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density."""

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``."""

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Log-probabilities of an outcome ≤ ``x`` and > ``x``."""

    def row_log_density_change(
        self, x: Array, origin: Array, parameters: Mapping[str, Array]
    ) -> Array | None:
        """Log-density less that of ``origin``, where that is simpler than the log-density."""


def log_at_least(model: Tailed, lower: Array, parameters: Mapping[str, Array]) -> Array:
    """Log-probability of an outcome ≥ ``lower``."""
    return model.row_log_survival(_below(model, lower), parameters)


def log_between(
    model: Tailed, lower: Array, upper: Array, parameters: Mapping[str, Array]
) -> Array:
    """Log-probability of an outcome from ``lower`` to ``upper``, both ends included.

    It has two derivatives, which keep their digits in the parameters. Those in an end are the
    density's there over the probability: of a narrow interval that moves as a whole they nearly
    cancel, so that a model that moves its ends is better integrated itself.

    Args:
        model: the model.
        lower: the lower ends.
        upper: the upper ends: above them, for whole numbers at least as large.
        parameters: scalars, or one value a row.
    """
    # such a number, as that of trials, is known and has no derivatives
    known = {n: v for n, v in parameters.items() if n in getattr(model, "required", ())}
    parameters = {n: v for n, v in parameters.items() if n not in known}
    model, names = _With(model, known) if known else model, tuple(parameters)

    def jet(low: Array, high: Array, *numbers: Array) -> Jet:
        return Between(model, names, numbers, low, high).jet()

    def log_density(x: Array, *numbers: Array) -> Array:
        return model.row_log_density(x, dict(zip(names, numbers, strict=True)))

    return by_jet(jet, log_density, lower, upper, *parameters.values())


class _With:
    """A model with some of its parameters."""

    def __init__(self, model: Tailed, known: Mapping[str, Array]) -> None:
        self._model, self._known, self.support = model, known, model.support

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        return self._model.row_log_density(x, {**parameters, **self._known})

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        return self._model.row_log_survival(x, {**parameters, **self._known})

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        return self._model.row_log_tails(x, {**parameters, **self._known})

    def row_log_density_change(
        self, x: Array, origin: Array, parameters: Mapping[str, Array]
    ) -> Array | None:
        return self._model.row_log_density_change(x, origin, {**parameters, **self._known})


def _below(model: Tailed, lower: Array) -> Array:
    """The largest outcome that is not an end's, or the end itself for continuous outcomes."""
    if model.support.whole:
        return jnp.ceil(lower) - 1.0
    for atom in getattr(model, "atoms", ()):  # the end has a probability of its own
        lower = jnp.where(lower == atom, atom - 1.0, lower)
    return lower


class Between:
    """The log-probability between two ends, with its derivatives in the parameters.

    Attributes:
        support: the possible outcomes.
    """

    def __init__(
        self,
        model: Tailed,
        names: tuple[str, ...],
        numbers: tuple[Array, ...],
        lower: Array,
        upper: Array,
    ) -> None:
        self._model, self.support = model, model.support
        self._names = names
        self._numbers = numbers
        self._lower = lower
        self._upper = upper

    def jet(self) -> Jet:
        """The jet."""
        below = _below(self._model, self._lower)
        if self._model.support.whole:
            return self._of_counts(below)
        wide, about, narrow = self._by_tails(below)
        return choose(narrow, self._integral(narrow, about), wide)

    def _of_counts(self, below: Array) -> Jet:
        """Add up few probabilities, whatever they are; subtract tails where any row has many."""
        few = jnp.floor(self._upper) - below <= _MOST_COUNTS
        first = jnp.where(few, below + 1.0, 0.0)
        last = jnp.where(few, jnp.floor(self._upper), 0.0)
        ends = (self._log_density(x, self._numbers) for x in (first, last))
        added = self._sum(first, few, self.zero(first)._replace(value=jnp.maximum(*ends)))
        if is_traced_for_numpy():
            return choose(few, added, self._by_tails(below)[0])
        wide: Jet = jax.lax.cond(jnp.all(few), lambda: added, lambda: self._by_tails(below)[0])
        return choose(few, added, wide)

    def _by_tails(self, below: Array) -> tuple[Jet, Jet, Array]:
        """The difference of two tails, a jet near it, and where the difference loses digits."""
        (f_low, s_low), (f_high, s_high) = self._tails(below, self._upper)
        left = f_high.value < s_high.value
        right = ~left & (s_low.value < f_low.value)
        # the probability is e^first − e^second; between, 1 − e^first − e^second
        first = choose(left, f_high, choose(right, s_low, f_low))
        second = choose(left, f_low, s_high)
        one_sided = left | right
        larger = jnp.where(one_sided, first.value, 0.0)
        both = jnp.logaddexp(first.value, second.value)
        smaller = jnp.where(one_sided, second.value, both)
        value = larger + log1mexp(smaller - larger)
        # the shares of 1, e^first and e^second in the probability add up to 1
        ratio = larger - smaller
        shares = (
            jnp.where(one_sided, 0.0, jnp.exp(-value)),
            jnp.where(one_sided, -1.0 / jnp.expm1(-ratio), -jnp.exp(first.value - value)),
            jnp.where(one_sided, -1.0 / jnp.expm1(ratio), -jnp.exp(second.value - value)),
        )
        wide = kept(_mixed, value, shares, first, second)
        return wide, first, ratio < _NARROW

    def _tails(self, below: Array, upper: Array) -> list[tuple[Jet, Jet]]:
        """The jets of the log-cdf and the log-survival at both ends."""
        if is_traced_for_numpy():  # which has no arrays of two ends
            return [self._tails_at(below), self._tails_at(upper)]
        f, s = kept(self._tails_at, jnp.stack([below, upper]))  # one program for both ends

        def end(jet: Jet, which: int) -> Jet:
            shape = (2, *jnp.shape(below))
            parts = [jnp.broadcast_to(v, shape)[which] for v in (*jet.slopes, *jet.curvatures)]
            k = len(jet.slopes)
            return Jet(jet.value[which], tuple(parts[:k]), tuple(parts[k:]))

        return [(end(f, 0), end(s, 0)), (end(f, 1), end(s, 1))]

    def _tails_at(self, x: Array) -> tuple[Jet, Jet]:
        def both(*numbers: Array) -> tuple[Array, Array]:
            parameters = dict(zip(self._names, numbers, strict=True))
            return self._model.row_log_tails(x, parameters)

        value, slopes, curvatures = shared_derivatives(both, self._numbers)
        f, s = (
            Jet(value[k], tuple(v[k] for v in slopes), tuple(v[k] for v in curvatures))
            for k in range(2)
        )
        return f, s

    def _sum(self, first: Array, narrow: Array, about: Jet) -> Jet:
        """Add up the probabilities of whole numbers."""

        def count() -> tuple[int, Array]:
            counts = jnp.where(narrow, jnp.floor(self._upper) - first + 1.0, 0.0)
            return 0, jnp.max(counts).astype(jnp.int32)

        def term(number: Array) -> tuple[Array, Array]:
            x = first + number
            return x, jnp.where(x <= self._upper, 1.0, 0.0)

        return self.added(term, first, about, count, _COUNTS)

    def _integral(self, narrow: Array, about: Jet) -> Jet:
        """Integrate the density over the logarithm of the distance to an end of the support."""
        s = self._model.support
        inside = s.interior
        low = jnp.where(narrow, self._lower, inside)
        default = 0.5 * (s.upper - inside) if s.upper < np.inf else 1.0
        width = jnp.where(narrow, self._upper - self._lower, default)

        def count() -> tuple[int, Array]:
            return 0, jnp.where(jnp.any(narrow), _NODES.size, 0)

        if s.lower == -np.inf:

            def line(t: Array, w: Array) -> tuple[Array, Array]:
                return low + t * width, w * width

            return self.added(line, low, about, count, _NODES, _WEIGHTS)
        # v = log(x − L), or log((x − L)/(U − x)): dx = (x − L) (U − x)/(U − L) dv
        distance = low - s.lower
        span = jnp.log1p(width / distance)
        if s.upper == np.inf:

            def half_line(t: Array, w: Array) -> tuple[Array, Array]:
                away = distance * jnp.exp(t * span)
                return s.lower + away, w * span * away

            return self.added(half_line, low, about, count, _NODES, _WEIGHTS)
        rest = s.upper - low
        span = span - jnp.log1p(-width / rest)

        def between(t: Array, w: Array) -> tuple[Array, Array]:
            ratio = distance / rest * jnp.exp(t * span)
            x = (s.lower + s.upper * ratio) / (1.0 + ratio)
            return x, w * span * (x - s.lower) * (s.upper - x) / (s.upper - s.lower)

        return self.added(between, low, about, count, _NODES, _WEIGHTS)

    def added(
        self,
        node: Node,
        start: Array,
        about: Jet,
        steps: Callable[[], tuple[int, Array]],
        *tables: Vector,
    ) -> Jet:
        """The jet of log Σ weight · density, over nodes and weights that are made of tables.

        Args:
            node: returns a node's outcomes and weights, from its entries in the tables.
            start: an outcome near the nodes.
            about: the jet of a logarithm about as large, with about the same scores.
            steps: returns 0, and after how many nodes all weights are zero.
            tables: of the nodes.
        """
        by_change = self._change(start, start, self._numbers) is not None
        formula: Callable[..., Any] = self._log_density
        origin = self.zero(start)
        if by_change:
            formula = partial(self._change, origin=start)
            origin, about = kept(partial(self._jet, self._log_density), start), origin
        size = jnp.where(jnp.isfinite(about.value), about.value, 0.0)
        centre = [jnp.where(jnp.isfinite(v), v, 0.0) for v in about.slopes]
        places = pairs(len(self._names))

        def terms(*entries: Array) -> list[Array]:
            numbers = self._numbers
            if not is_traced_for_numpy():  # tied to the node, as the kernel's numbers to the tile
                barrier: Any = jax.lax.optimization_barrier
                numbers, entries = barrier((numbers, entries))
            x, weight = node(*entries)
            value, slopes, curvatures, _ = first_and_second(
                lambda *at: formula(x, numbers=at), numbers
            )
            possible = (weight > 0.0) & ~jnp.isneginf(value)
            f = jnp.where(possible, weight * jnp.exp(value - size), 0.0)
            s = [jnp.where(possible, v - c, 0.0) for v, c in zip(slopes, centre, strict=True)]
            c = [jnp.where(possible, v, 0.0) for v in curvatures]
            second = [f * (v + s[i] * s[j]) for v, (i, j) in zip(c, places, strict=True)]
            return [f, *(f * v for v in s), *second]

        sums = add_up(terms, 1 + len(centre) + len(places), size, *tables, steps=steps)
        jet: Jet = kept(partial(_total, size, centre, origin), sums)
        return jet

    def zero(self, like: Array) -> Jet:
        """The jet of 0."""
        zero = jnp.zeros_like(like)
        return Jet(zero, (zero,) * len(self._names), (zero,) * len(pairs(len(self._names))))

    def _log_density(self, x: Array, numbers: Sequence[Array]) -> Array:
        return self._model.row_log_density(x, dict(zip(self._names, numbers, strict=True)))

    def _change(self, x: Array, origin: Array, numbers: Sequence[Array]) -> Array | None:
        parameters = dict(zip(self._names, numbers, strict=True))
        return self._model.row_log_density_change(x, origin, parameters)

    def log_density(self, x: Array) -> Array:
        """The log-density."""
        return self._log_density(x, self._numbers)

    def _jet(self, formula: Callable[..., Array], x: Array) -> Jet:
        value, slopes, curvatures = shared_derivatives(partial(_called, formula, x), self._numbers)
        return Jet(value, tuple(slopes), tuple(curvatures))


def _called(formula: Callable[..., Array], x: Array, *numbers: Array) -> Array:
    return formula(x, numbers=numbers)


def _total(size: Array, centre: list[Array], origin: Jet, sums: list[Array]) -> Jet:
    """The jet of the logarithm of a sum, from the sums of its terms, their scores and products."""
    total, count = sums[0], len(centre)
    possible = total > 0.0
    r = jnp.where(possible, 1.0 / jnp.where(possible, total, 1.0), 0.0)
    means, second = [v * r for v in sums[1 : 1 + count]], [v * r for v in sums[1 + count :]]
    slopes = (o + c + m for o, c, m in zip(origin.slopes, centre, means, strict=True))
    places = zip(origin.curvatures, second, pairs(count), strict=True)
    return Jet(
        jnp.log(total) + (size + origin.value),
        tuple(slopes),
        tuple(o + v - means[i] * means[j] for o, v, (i, j) in places),
    )


def _mixed(value: Array, shares: tuple[Array, Array, Array], first: Jet, second: Jet) -> Jet:
    """The jet of the log of 1, e^first and e^second with these shares of the sum, which is 1."""
    zero, p, q = shares

    def cleaned(share: Array, parts: tuple[Array, ...]) -> list[Array]:
        # without a share in it, whatever the derivatives
        return [jnp.where(share == 0.0, 0.0, part) for part in parts]

    a, b = cleaned(p, first.slopes), cleaned(q, second.slopes)
    d = [y - x for x, y in zip(a, b, strict=True)]
    # q times the difference: with shares of 1 and −1e-9, say, the scores do not cancel
    slopes = (
        jnp.where(zero == 0.0, x + q * y, p * x + q * (x + y)) for x, y in zip(a, d, strict=True)
    )
    # the mean second derivative and the covariance of the scores
    curvatures = (
        p * x + q * y + p * q * d[i] * d[j] + zero * (p * a[i] * a[j] + q * b[i] * b[j])
        for x, y, (i, j) in zip(
            cleaned(p, first.curvatures), cleaned(q, second.curvatures), pairs(len(a)), strict=True
        )
    )
    return Jet(value, tuple(slopes), tuple(curvatures))
