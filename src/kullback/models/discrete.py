"""Families of whole-number outcomes: successes, events, failures, group sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TypeAlias, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.beta_functions import log_beta_i, log_beta_i_complement
from kullback._core.gamma_functions import (
    _BERNOULLI,
    _DIGAMMA_SERIES,
    _SHIFT,
    _horner_with_divided_difference,
    digamma_difference,
    log1p_minus,
    trigamma_difference,
)
from kullback._core.incomplete_gamma import log_gamma_p, log_gamma_q
from kullback._core.numerics import log, log1p, reciprocal, xlog1py, xlogy
from kullback._core.partials import with_partials
from kullback._core.saddle_point import (
    _deviance_with_excess,
    log_binomial_kernel,
    log_poisson_kernel,
    log_ratio,
    poisson_deviance,
    stirling_remainder,
)
from kullback._core.smooth import log1mexp, log1p_over
from kullback._core.supports import (
    BINARY,
    COUNTS,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_COUNTS,
    REAL,
    UNIT,
    Interval,
)
from kullback.models.family import Family, Formula, Parametrisation
from kullback.models.inversion import quantile_by_inversion
from kullback.models.source import Pinned

# Probabilities that may be 0 or 1 where they are given; an estimate is always inside.
_PROBABILITY = Interval(lower=0.0, upper=1.0, holds_lower=True, holds_upper=True)


_Three: TypeAlias = tuple[Array, Array, Array]


# ---- shared formulas -----------------------------------------------------------------------------


def _no_partial(*_: Array) -> NoReturn:
    raise NotImplementedError("a log-probability is not differentiated in its outcome")


@with_partials(lambda t: _logistic(t) * _logistic(-t))
def _logistic(t: Array) -> Array:
    """1/(1 + e^−t), to relative precision at both ends."""
    small = jnp.exp(-jnp.abs(t))
    return jnp.where(t >= 0.0, 1.0, small) / (1.0 + small)


@with_partials(lambda t: _logistic(t))
def _softplus(t: Array) -> Array:
    """log(1 + e^t): minus the log of the probability whose logit is −t."""
    return jnp.log1p(jnp.exp(-jnp.abs(t))) + jnp.maximum(t, 0.0)


def _complement(probability: Array, logit: Array | None) -> Array:
    return 1.0 - probability if logit is None else _logistic(-logit)


def _entropy_on_grid(
    log_probability: Callable[[Array], Array], mean: Array, variance: Array
) -> Array:
    """−Σ q log q over 40 standard deviations around the mean, where all but e^−100 of q lies.

    With more outcomes than grid points every h-th is taken, h times: a standard deviation then
    still holds 25 points, and such a sum of a near-normal curve is its integral to exp(−2π² 25²).
    """
    points = 2048
    sd = jnp.sqrt(variance)
    first = jnp.maximum(jnp.floor(mean - 40.0 * sd), 0.0)
    step = jnp.maximum(jnp.ceil(80.0 * sd / (points - 1)), 1.0)
    log_q = log_probability(first + step * jnp.arange(points, dtype=jnp.float64))
    possible = log_q > -jnp.inf
    return -step * jnp.sum(jnp.where(possible, jnp.exp(log_q) * log_q, 0.0))


def _draw_poisson(key: Array, shape: tuple[int, ...], rate: Array) -> Array:
    """Draw in double precision (JAX's own sampler rounds the rate, and its draws, to single).

    Below a rate of 10 by inversion; above by transformed rejection (W. Hörmann, 1993, "The
    transformed rejection method for generating Poisson random variables", algorithm PTRS).
    """
    rate = jnp.broadcast_to(rate, shape)
    low = rate < 10.0
    small, large = jnp.where(low, rate, 1.0), jnp.where(low, 10.0, rate)
    key, own = jax.random.split(key)
    uniform = jax.random.uniform(own, shape, jnp.float64)

    def climb(state: _Three) -> _Three:
        k, term, total = state
        above = uniform >= total
        term = jnp.where(above, term * small / (k + 1.0), term)
        return k + above, term, total + jnp.where(above, term, 0.0)

    # 100: beyond it lies less than rounding at a rate of 10, where the sum may stop short of 1
    nothing = jnp.exp(-small)
    by_inversion = jax.lax.while_loop(
        lambda state: jnp.any((uniform >= state[2]) & (state[0] < 100.0)),
        climb,
        (jnp.zeros(shape), nothing, nothing),
    )[0]

    b = 0.931 + 2.53 * jnp.sqrt(large)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2.0)

    def try_again(state: _Three) -> _Three:
        k, done, key = state
        key, first, second = jax.random.split(key, 3)
        u = jax.random.uniform(first, shape, jnp.float64) - 0.5
        v = jax.random.uniform(second, shape, jnp.float64)
        from_edge = 0.5 - jnp.abs(u)
        candidate = jnp.floor((2.0 * a / from_edge + b) * u + large + 0.43)
        height = v * inverse_alpha / (a / (from_edge * from_edge) + b)
        below = jnp.log(height) <= log_poisson_kernel(jnp.maximum(candidate, 0.0), large)
        taken = (candidate >= 0.0) & (below | ((from_edge >= 0.07) & (v <= squeeze)))
        return jnp.where(done, k, candidate), done | taken, key

    start = (jnp.zeros(shape), low, key)
    by_rejection = jax.lax.while_loop(lambda s: ~jnp.all(s[1]), try_again, start)[0]
    return jnp.where(low, by_inversion, by_rejection)


def _mean_of(values: Vector, weights: Vector) -> float:
    """The weighted mean; where it is 0, that of half an event in all rows, to start inside."""
    mean = float(np.average(values, weights=weights))
    return mean if mean > 0.0 else 0.5 / float(np.sum(weights) + 1.0)


def _share_of(mean: float, weight: float) -> float:
    """A mean share; where it is 0 or 1, half an event away, to start inside."""
    return mean if 0.0 < mean < 1.0 else abs(mean - 0.5 / (weight + 1.0))


# ---- successes in given trials -------------------------------------------------------------------


@final
class Bernoulli(Family):
    """Bernoulli distribution: q(1) = probability, q(0) = 1 − probability.

    Parameter: 0 ≤ ``probability`` ≤ 1; also by ``logit`` = log(probability/(1 − probability)). Mean
    ``probability``. Source: N. L. Johnson, A. W. Kemp and S. Kotz (2005), Univariate Discrete
    Distributions, section 3.2.

    Example:
        >>> import kullback as kl
        >>> kl.Bernoulli(probability=0.25).variance()
        0.1875
    """

    canonical = {"probability": _PROBABILITY}
    support = BINARY
    # the logit comes along, so that neither end loses what rounding 1 − probability would take
    alternatives = (
        Parametrisation(
            {"logit": REAL},
            lambda logit: {"probability": _logistic(logit), "logit": logit},
            lambda probability: {"logit": jnp.log(probability) - jnp.log1p(-probability)},
        ),
    )

    @staticmethod
    def _log_density(x: Array, probability: Array, logit: Array | None = None) -> Array:
        if logit is None:
            return xlogy(x, probability) + xlog1py(1.0 - x, -probability)
        return -_softplus((1.0 - 2.0 * x) * logit)

    @staticmethod
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        return (x - origin,)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, probability: Array, logit: Array | None = None
    ) -> Array:
        x = statistics[0] + origin
        if logit is None:
            return xlogy(x, probability) + xlog1py(1.0 - x, -probability)
        return -x * _softplus(-logit) - (1.0 - x) * _softplus(logit)

    @staticmethod
    def _log_cdf(x: Array, probability: Array, logit: Array | None = None) -> Array:
        return Bernoulli._log_density(jnp.zeros_like(x), probability, logit)

    @staticmethod
    def _log_survival(x: Array, probability: Array, logit: Array | None = None) -> Array:
        return Bernoulli._log_density(jnp.ones_like(x), probability, logit)

    @staticmethod
    def _quantile(u: Array, probability: Array, logit: Array | None = None) -> Array:
        # compared on the side where the numbers are small and keep their digits
        failure = jnp.where(u <= 0.5, u <= _complement(probability, logit), probability <= 1.0 - u)
        return jnp.where(failure, 0.0, 1.0)

    @staticmethod
    def _draw(
        key: Array,
        shape: tuple[int, ...],
        probability: Array,
        logit: Array | None = None,  # noqa: ARG004
    ) -> Array:
        success = jax.random.uniform(key, shape, jnp.float64) < probability
        return success.astype(jnp.float64)

    @staticmethod
    def _mean(probability: Array, logit: Array | None = None) -> Array:  # noqa: ARG004
        return probability

    @staticmethod
    def _variance(probability: Array, logit: Array | None = None) -> Array:
        return probability * _complement(probability, logit)

    @staticmethod
    def _entropy(probability: Array, logit: Array | None = None) -> Array:
        if logit is None:
            return -xlogy(probability, probability) - xlog1py(1.0 - probability, -probability)
        return probability * _softplus(-logit) + _logistic(-logit) * _softplus(logit)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        return None if pinned else {"probability": origin + means[0]}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        return [{"probability": _share_of(mean, float(np.sum(weights)))}]


@with_partials(
    _no_partial,
    _no_partial,
    lambda x, n, p, q: x * reciprocal(p) - (n - x) * reciprocal(q),
    lambda *_: jnp.zeros(()),
)
def _log_binomial(x: Array, n: Array, p: Array, q: Array) -> Array:
    """Log-probability of x successes; the derivative is along q = 1 − p, from p's tangent alone."""
    inside = (p > 0.0) & (q > 0.0)
    value = log_binomial_kernel(x, n - x, jnp.where(inside, p, 0.5), jnp.where(inside, q, 0.5))
    certain = jnp.where(p > 0.0, n, 0.0)
    return jnp.where(inside, value, jnp.where(x == certain, 0.0, -jnp.inf))


@with_partials(
    _no_partial,
    _no_partial,
    lambda x, n, t: x * _logistic(-t) - (n - x) * _logistic(t),
)
def _log_binomial_by_logit(x: Array, n: Array, t: Array) -> Array:
    # beyond 700 a probability underflows, and the plain form no longer cancels
    near = jnp.abs(t) < 700.0
    s = jnp.where(near, t, 0.0)
    value = log_binomial_kernel(x, n - x, _logistic(s), _logistic(-s))
    far = log_binomial_kernel(x, n - x, 0.5, 0.5) + n * jnp.log(2.0)
    far = far - x * _softplus(-t) - (n - x) * _softplus(t)
    return jnp.where(near, value, far)


@final
class Binomial(Family):
    """Binomial distribution: q(x) = C(trials, x) probability^x (1 − probability)^(trials−x).

    Support x = 0, ..., ``trials``. Parameters: ``trials``, a number that you give, and 0 ≤
    ``probability`` ≤ 1; also by ``trials, logit``. Mean trials·probability. Source: N. L. Johnson,
    A. W. Kemp and S. Kotz (2005), Univariate Discrete Distributions, eq. 3.2; evaluated in the
    saddle-point form of C. Loader (2000).

    Example:
        >>> import kullback as kl
        >>> kl.Binomial(trials=10, probability=0.25).mean()
        2.5
    """

    canonical = {"trials": POSITIVE_COUNTS, "probability": _PROBABILITY}
    given = ("trials",)
    alternatives = (
        Parametrisation(
            {"trials": POSITIVE_COUNTS, "logit": REAL},
            lambda trials, logit: {
                "trials": trials,
                "probability": _logistic(logit),
                "logit": logit,
            },
            lambda trials, probability: {
                "trials": trials,
                "logit": jnp.log(probability) - jnp.log1p(-probability),
            },
        ),
    )

    @property
    def _trials(self) -> float:
        source = self.sources["trials"]
        assert isinstance(source, Pinned)  # the constructor has seen to it
        return float(source.number)

    @property
    def support(self) -> Interval:  # type: ignore[override]  # it depends on a given number
        """0, ..., trials."""
        return Interval(0.0, self._trials, holds_lower=True, holds_upper=True, whole=True)

    # Compiled code is shared by all numbers of trials, so these three read the number from the
    # parameters and not from the support.

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of each row, −inf for what is none of 0, ..., trials."""
        inside = (x >= 0.0) & (x <= parameters["trials"]) & (x == jnp.floor(x))
        value = self.row_log_density_inside(jnp.where(inside, x, 0.0), parameters)
        return jnp.where(inside, value, jnp.where(jnp.isnan(x), jnp.nan, -jnp.inf))

    def _tail(
        self,
        formula: Formula,
        x: Array,
        parameters: Mapping[str, Array],
        *,
        before: float,
        beyond: float,
    ) -> Array:
        low, high = x < 0.0, x >= parameters["trials"]
        at = jnp.where(low | high, 0.0, jnp.floor(x))
        value = formula(at, **self.to_canonical(parameters))
        value = jnp.where(low, before, jnp.where(high, beyond, value))
        return jnp.where(jnp.isnan(x), jnp.nan, value)

    def row_quantile(self, u: Array, parameters: Mapping[str, Array]) -> Array:
        """Smallest outcome whose distribution function reaches ``u``."""
        found = quantile_by_inversion(
            u,
            lambda x: self.row_log_cdf(x, parameters),
            lambda x: self.row_log_survival(x, parameters),
            COUNTS,
        )
        return jnp.minimum(found, parameters["trials"])  # at u = 1 the counts have no last

    @staticmethod
    def _log_density(
        x: Array, trials: Array, probability: Array, logit: Array | None = None
    ) -> Array:
        if logit is None:
            return _log_binomial(x, trials, probability, 1.0 - probability)
        return _log_binomial_by_logit(x, trials, logit)

    @staticmethod
    def _log_cdf(x: Array, trials: Array, probability: Array, logit: Array | None = None) -> Array:
        return log_beta_i(trials - x, x + 1.0, _complement(probability, logit), probability)

    @staticmethod
    def _log_survival(
        x: Array, trials: Array, probability: Array, logit: Array | None = None
    ) -> Array:
        q = _complement(probability, logit)
        return log_beta_i_complement(trials - x, x + 1.0, q, probability)

    @staticmethod
    def _draw(
        key: Array,
        shape: tuple[int, ...],
        trials: Array,
        probability: Array,
        logit: Array | None = None,
    ) -> Array:
        # the rarer of success and failure, whose probability has all its digits
        failure = _complement(probability, logit)
        rarer = jnp.minimum(probability, failure)
        rare = jax.random.binomial(key, trials, rarer, shape, jnp.float64)
        return jnp.where(probability <= failure, rare, trials - rare)

    @staticmethod
    def _mean(
        trials: Array,
        probability: Array,
        logit: Array | None = None,  # noqa: ARG004
    ) -> Array:
        return trials * probability

    @staticmethod
    def _variance(trials: Array, probability: Array, logit: Array | None = None) -> Array:
        return trials * probability * _complement(probability, logit)

    @staticmethod
    def _entropy(trials: Array, probability: Array, logit: Array | None = None) -> Array:
        def log_probability(x: Array) -> Array:
            inside = x <= trials
            value = Binomial._log_density(jnp.where(inside, x, 0.0), trials, probability, logit)
            return jnp.where(inside, value, -jnp.inf)

        variance = Binomial._variance(trials, probability, logit)
        return _entropy_on_grid(log_probability, trials * probability, variance)

    def starts(self, values: Vector, weights: Vector) -> list[Mapping[str, float | Vector]]:
        """Give the share of successes, which is the estimate."""
        n = self._trials
        share = float(np.average(values, weights=weights)) / n
        probability = _share_of(share, n * float(np.sum(weights)))
        return [self.from_canonical({"trials": n, "probability": probability})]


# ---- events --------------------------------------------------------------------------------------


@final
class Poisson(Family):
    """Poisson distribution: q(x) = rate^x e^(−rate) / x!, x = 0, 1, 2, ...

    Parameter: ``rate`` ≥ 0. Mean and variance ``rate``. Source: N. L. Johnson, A. W. Kemp and
    S. Kotz (2005), Univariate Discrete Distributions, eq. 4.1; evaluated in the saddle-point form
    of C. Loader (2000).

    Example:
        >>> import kullback as kl
        >>> kl.Poisson(rate=3.5).variance()
        3.5
    """

    canonical = {"rate": NON_NEGATIVE}
    support = COUNTS

    @staticmethod
    def _log_density(x: Array, rate: Array) -> Array:
        positive = rate > 0.0
        value = log_poisson_kernel(x, jnp.where(positive, rate, 1.0))
        return jnp.where(positive, value, jnp.where(x == 0.0, -rate, -jnp.inf))

    @staticmethod
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        # the second is the log-probability at rate origin + 1: no parameter, and all that is large
        return (x - origin, log_poisson_kernel(x, origin + 1.0))

    @staticmethod
    def _log_density_of(statistics: Sequence[Array], origin: Array, rate: Array) -> Array:
        base = origin + 1.0
        positive = rate > 0.0
        safe = jnp.where(positive, rate, base)
        change = (statistics[0] - 1.0) * log_ratio(safe, base) - poisson_deviance(base, safe)
        none = statistics[0] + origin == 0.0
        at_zero = jnp.where(none, -rate, -jnp.inf)
        return jnp.where(positive, statistics[1] + change, at_zero)

    @staticmethod
    def _log_cdf(x: Array, rate: Array) -> Array:
        return log_gamma_q(x + 1.0, rate)

    @staticmethod
    def _log_survival(x: Array, rate: Array) -> Array:
        return log_gamma_p(x + 1.0, rate)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], rate: Array) -> Array:
        return _draw_poisson(key, shape, rate)

    @staticmethod
    def _mean(rate: Array) -> Array:
        return rate

    @staticmethod
    def _variance(rate: Array) -> Array:
        return rate

    @staticmethod
    def _entropy(rate: Array) -> Array:
        return _entropy_on_grid(lambda x: Poisson._log_density(x, rate), rate, rate)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        return None if pinned else {"rate": origin + means[0]}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [{"rate": _mean_of(values, weights)}]


# ---- failures before successes -------------------------------------------------------------------


def _failure_hazard(probability: Array, mean: Array | None) -> Array:
    """−log(1 − probability)."""
    return -log1p(-probability) if mean is None else log1p(reciprocal(mean))


@final
class Geometric(Family):
    """Geometric distribution: q(x) = probability (1 − probability)^x, x = 0, 1, 2, ...

    The number of failures before the first success. Parameter: 0 < ``probability`` ≤ 1; also by
    ``mean`` = (1 − probability)/probability. Source: N. L. Johnson, A. W. Kemp and S. Kotz (2005),
    Univariate Discrete Distributions, section 5.2.

    Example:
        >>> import kullback as kl
        >>> kl.Geometric(probability=0.25).mean()
        3.0
    """

    canonical = {"probability": Interval(lower=0.0, upper=1.0, holds_upper=True)}
    support = COUNTS
    # the mean comes along: near probability 1 it has the digits that 1 − probability lacks
    alternatives = (
        Parametrisation(
            {"mean": NON_NEGATIVE},
            lambda mean: {"probability": reciprocal(1.0 + mean), "mean": mean},
            lambda probability: {"mean": (1.0 - probability) / probability},
        ),
    )

    @staticmethod
    def _log_density(x: Array, probability: Array, mean: Array | None = None) -> Array:
        if mean is None:
            return log(probability) + xlog1py(x, -probability)
        return -log1p(mean) - xlog1py(x, reciprocal(mean))

    @staticmethod
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        return (x - origin,)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, probability: Array, mean: Array | None = None
    ) -> Array:
        return Geometric._log_density(statistics[0] + origin, probability, mean)

    @staticmethod
    def _log_cdf(x: Array, probability: Array, mean: Array | None = None) -> Array:
        return log1mexp(Geometric._log_survival(x, probability, mean))

    @staticmethod
    def _log_survival(x: Array, probability: Array, mean: Array | None = None) -> Array:
        return -(x + 1.0) * _failure_hazard(probability, mean)

    @staticmethod
    def _quantile(u: Array, probability: Array, mean: Array | None = None) -> Array:
        x = jnp.ceil(-jnp.log1p(-u) / _failure_hazard(probability, mean)) - 1.0
        return jnp.maximum(x, 0.0)

    @staticmethod
    def _draw(
        key: Array, shape: tuple[int, ...], probability: Array, mean: Array | None = None
    ) -> Array:
        exponential = jax.random.exponential(key, shape, jnp.float64)
        return jnp.floor(exponential / _failure_hazard(probability, mean))

    @staticmethod
    def _mean(probability: Array, mean: Array | None = None) -> Array:
        return (1.0 - probability) / probability if mean is None else mean

    @staticmethod
    def _variance(probability: Array, mean: Array | None = None) -> Array:
        return Geometric._mean(probability, mean) / probability

    @staticmethod
    def _entropy(probability: Array, mean: Array | None = None) -> Array:
        m = Geometric._mean(probability, mean)
        return jnp.log1p(m) + xlog1py(m, 1.0 / m)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        return None if pinned else {"probability": 1.0 / (1.0 + origin + means[0])}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [{"probability": 1.0 / (1.0 + _mean_of(values, weights))}]


def _stirling_growth(y: Array, r: Array) -> Array:
    """ε(r + y) − ε(r) for ε(z) = ln Γ(z) − z ln z + z; near −y/(2r) for large r."""
    return stirling_remainder(r + y) - stirling_remainder(r) - jnp.log1p(y * reciprocal(r))


def _growth_slopes(y: Array, r: Array) -> tuple[Array, Array]:
    """Its first two derivatives in r: ψ(r+y) − ψ(r) − ln(1 + y/r), and of that.

    For large r they are the Stirling series without its leading terms, which cancel exactly.
    """
    small = r < _SHIFT
    w = reciprocal(jnp.where(small, 1.0 * _SHIFT, r))
    v = reciprocal(jnp.where(small, 1.0 * _SHIFT, r) + y)
    gap, pair = y * v * w, v + w  # gap: w − v
    value, difference = _horner_with_divided_difference(_DIGAMMA_SERIES, v * v, w * w)
    first = gap * (0.5 + pair * (value + w * w * difference))
    value, difference = _horner_with_divided_difference(_BERNOULLI, v * v, w * w)
    tail = (v * v + v * w + w * w) * value + w * w * w * pair * difference
    second = -gap * (0.5 * pair + tail)
    s = jnp.where(small, r, 1.0)
    small_first = digamma_difference(s, y) - jnp.log1p(y * reciprocal(s))
    small_second = trigamma_difference(s, y) + y * reciprocal(s) * reciprocal(s + y)
    return jnp.where(small, small_first, first), jnp.where(small, small_second, second)


def _size_curvature(y: Array, m: Array, r: Array) -> Array:
    shortfall = (y - m) * reciprocal(r + m)
    return shortfall * shortfall * reciprocal(r + y) + _growth_slopes(y, r)[1]


@with_partials(
    _no_partial, lambda y, m, r: (y - m) * reciprocal(r + m) * reciprocal(r + m), _size_curvature
)
def _size_slope(y: Array, m: Array, r: Array) -> Array:
    """∂/∂r of the log-probability: of order 1/r² for large r, as a sum of such terms."""
    t = (y - m) / (r + m)
    near = jnp.abs(t) < 0.25  # where log1p_minus is a series; outside nothing cancels
    far = jnp.log(r + y) - jnp.log(r + m) - t
    return jnp.where(near, log1p_minus(jnp.where(near, t, 0.0)), far) + _growth_slopes(y, r)[0]


@with_partials(
    _no_partial,
    lambda y, m, r: (r + y) * reciprocal(r + m) * reciprocal(r + m) - y * reciprocal(m * m),
    lambda y, m, r: (y - m) * reciprocal(r + m) * reciprocal(r + m),
)
def _mean_slope(y: Array, m: Array, r: Array) -> Array:
    return (y - m) * reciprocal(m) * (r * reciprocal(r + m))


@with_partials(_no_partial, _mean_slope, _size_slope)
def _log_negative_binomial(y: Array, m: Array, r: Array) -> Array:
    """Minus a deviance of two cells with exact excess, and Stirling remainders.

    As r grows the second cell and the growth vanish like 1/r, and the Poisson kernel remains.
    """
    p, q = r / (r + m), m / (r + m)
    excess = p * (y - m)
    first = _deviance_with_excess(y, (r + y) * q, -excess)
    second = _deviance_with_excess(r, (r + y) * p, excess)
    return _stirling_growth(y, r) - first - second - stirling_remainder(y)


@final
class NegativeBinomial(Family):
    """Negative binomial: q(x) = Γ(size+x)/(Γ(size) x!) p^size (1−p)^x, p = size/(size + mean).

    Support x = 0, 1, 2, ... Parameters: ``mean`` > 0 and ``size`` > 0, with variance mean +
    mean²/size; also by ``size, probability``, the failures before the size-th success, with mean
    size·(1 − probability)/probability. As size grows it becomes Poisson. Source: N. L. Johnson,
    A. W. Kemp and S. Kotz (2005), Univariate Discrete Distributions, eq. 5.1; the form with a mean
    is J. F. Lawless (1987), "Negative binomial and mixed Poisson regression", eq. 1.

    Example:
        >>> import kullback as kl
        >>> kl.NegativeBinomial(mean=4.0, size=2.0).variance()
        12.0
    """

    canonical = {"mean": POSITIVE, "size": POSITIVE}
    support = COUNTS
    limits = {"size": "Poisson"}
    alternatives = (
        Parametrisation(
            {"size": POSITIVE, "probability": UNIT},
            lambda size, probability: {
                "mean": size * (1.0 - probability) * reciprocal(probability),
                "size": size,
            },
            lambda mean, size: {"size": size, "probability": size / (size + mean)},
        ),
    )

    @staticmethod
    def _log_density(x: Array, mean: Array, size: Array) -> Array:
        return _log_negative_binomial(x, mean, size)

    @staticmethod
    def _log_cdf(x: Array, mean: Array, size: Array) -> Array:
        r = reciprocal(size + mean)
        return log_beta_i(size, x + 1.0, size * r, mean * r)

    @staticmethod
    def _log_survival(x: Array, mean: Array, size: Array) -> Array:
        r = reciprocal(size + mean)
        return log_beta_i_complement(size, x + 1.0, size * r, mean * r)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], mean: Array, size: Array) -> Array:
        # a Poisson count whose rate is gamma distributed
        first, second = jax.random.split(key)
        return _draw_poisson(
            second, shape, jax.random.gamma(first, size, shape, jnp.float64) * (mean / size)
        )

    @staticmethod
    def _mean(mean: Array, size: Array) -> Array:  # noqa: ARG004
        return mean

    @staticmethod
    def _variance(mean: Array, size: Array) -> Array:
        return mean + mean * (mean / size)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = _mean_of(values, weights)
        excess = float(np.average((values - mean) ** 2, weights=weights)) - mean
        # without more spread than Poisson's there is no finite estimate: start from a mild one
        size = mean * mean / excess if excess > 0.0 else 10.0 * (1.0 + mean)
        return [{"mean": mean, "size": size}]


# ---- group sizes ---------------------------------------------------------------------------------


@with_partials(lambda p: jax.jvp(lambda t: log(log1p_over(-t)), (p,), (jnp.ones_like(p),))[1])
def _log_series_norm(p: Array) -> Array:
    """log(−log(1 − p)/p), to relative precision also where it is near p/2."""
    return jnp.log1p(-log1p_minus(-p) / p)


@with_partials(
    _no_partial,
    lambda a, p: jnp.exp((a - 1.0) * jnp.log(p) - jnp.log1p(-p) - _log_series_tail(a, p)),
)
def _log_series_tail(a: Array, p: Array) -> Array:
    """Log Σ_{k ≥ a} p^k/k = a log p + log ∫ e^(−a s)/(1 − p e^(−s)) ds.

    In log s the integrand is analytic within π/2 of the line and falls off at both ends, so equal
    steps h leave exp(−π²/h): 1e-17 at h = 1/4. They reach from where s^1 has fallen to e^−40 of the
    integral to where e^(−as) is e^−45, over at most 81 (a = 1, p = 1 − 1e-16): 324 steps.
    """
    steps = 324
    low = -40.0 - jnp.log(a + 1.0 / (1.0 - p))
    h = (jnp.log(45.0 / a) - low) / steps

    def add(i: Array, total: Array) -> Array:
        s = jnp.exp(low + h * i)
        return total + s * jnp.exp(-a * s) / ((1.0 - p) - p * jnp.expm1(-s))

    total = jax.lax.fori_loop(0, steps + 1, add, jnp.zeros_like(a * p))
    return a * jnp.log(p) + jnp.log(h * total)


@final
class LogSeries(Family):
    """Logarithmic series distribution: q(x) = −probability^x / (x log(1 − probability)).

    Support x = 1, 2, 3, ... Parameter: 0 < ``probability`` < 1. Mean −probability / ((1 −
    probability) log(1 − probability)). Source: R. A. Fisher, A. S. Corbet and C. B. Williams
    (1943), "The relation between the number of species and the number of individuals in a random
    sample of an animal population"; draws by A. W. Kemp (1981), "Efficient generation of
    logarithmically distributed pseudo-random variables", algorithm LS.

    Example:
        >>> import kullback as kl
        >>> round(kl.LogSeries(probability=0.5).mean(), 6)
        1.442695
    """

    canonical = {"probability": UNIT}
    support = POSITIVE_COUNTS

    @staticmethod
    def _log_density(x: Array, probability: Array) -> Array:
        return (x - 1.0) * log(probability) - jnp.log(x) - _log_series_norm(probability)

    @staticmethod
    def _log_cdf(x: Array, probability: Array) -> Array:
        return log1mexp(LogSeries._log_survival(x, probability))

    @staticmethod
    def _log_survival(x: Array, probability: Array) -> Array:
        tail = _log_series_tail(x + 1.0, probability)
        return tail - log(probability) - _log_series_norm(probability)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], probability: Array) -> Array:
        first, second = jax.random.split(key)
        # from the smallest positive double: a logarithm follows
        tiny = np.finfo(np.float64).tiny
        u = jax.random.uniform(first, shape, jnp.float64, minval=tiny)
        v = jax.random.uniform(second, shape, jnp.float64, minval=tiny)
        return jnp.floor(1.0 + jnp.log(v) / log1mexp(u * jnp.log1p(-probability)))

    @staticmethod
    def _mean(probability: Array) -> Array:
        return 1.0 / (log1p_over(-probability) * (1.0 - probability))

    @staticmethod
    def _variance(probability: Array) -> Array:
        mean = LogSeries._mean(probability)
        return mean * mean * (-log1p_minus(-probability) / probability)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # the estimate: mean = (e^v − 1)/v at v = −log(1 − probability), by Newton from above, where
        # log((e^v − 1)/v), convex with slope between 1/2 and 1, is approached monotonically
        mean = float(np.average(values, weights=weights))
        target = np.log(mean) if mean > 1.0 else 0.5 / float(np.sum(weights) + 1.0)
        v = 2.0 * target
        for _ in range(60):
            grown = -np.expm1(-v)
            step = (v + np.log(grown / v) - target) / (1.0 / grown - 1.0 / v)
            v -= step
            if abs(step) <= 1e-14 * v:
                break
        return [{"probability": float(-np.expm1(-v))}]
