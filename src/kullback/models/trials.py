"""Families of trials with two outcomes: Bernoulli, binomial and geometric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import (
    BINARY,
    COUNTS,
    NON_NEGATIVE,
    POSITIVE_COUNTS,
    REAL,
    Interval,
    Support,
)
from kullback.models.family import Family, Formula, Parametrisation
from kullback.models.inversion import quantile_by_inversion
from kullback.models.model import Caution
from kullback.models.source import Pinned
from kullback.models.starting_values import mean_inside, share_inside
from kullback.special.beta import log_beta_i, log_beta_i_complement
from kullback.special.count_entropy import entropy_on_grid
from kullback.special.count_kernels import (
    log_binomial,
    log_binomial_by_logit,
)
from kullback.special.logistic import logistic, softplus
from kullback.special.numerics import log, log1p, reciprocal, xlog1py, xlogy
from kullback.special.smooth import log1mexp

# Probabilities that may be 0 or 1 where they are given; an estimate is always inside.
_PROBABILITY = Interval(lower=0.0, upper=1.0, holds_lower=True, holds_upper=True)


def _complement(probability: Array, logit: Array | None) -> Array:
    return 1.0 - probability if logit is None else logistic(-logit)


# Beyond this a logit's probability is 1, or its complement, to rounding: no sample of outcomes of
# both kinds has an estimate there.
_LARGEST_LOGIT = 36.5


def _logit_caution(logit: float | None) -> Caution | None:
    """Say that outcomes of one kind alone have no estimate of the logit."""
    if logit is None or abs(logit) < _LARGEST_LOGIT:
        return None
    kind, end, share = ("successes", "infinity", 1) if logit > 0.0 else ("failures", "−infinity", 0)
    return Caution(
        f"All outcomes are {kind}: the likelihood still rises as the logit goes to {end}. "
        f"Estimate the probability instead, which can be {share}, or pin the logit.",
        no_maximum=True,
        reason=f"logit runs to {end}",
    )


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

    canonical: ClassVar[Mapping[str, Support]] = {"probability": _PROBABILITY}
    support = BINARY
    # the logit comes along, so that neither end loses what rounding 1 − probability would take
    alternatives = (
        Parametrisation(
            {"logit": REAL},
            lambda logit: {"probability": logistic(logit), "logit": logit},
            lambda probability: {"logit": jnp.log(probability) - jnp.log1p(-probability)},
        ),
    )

    @staticmethod
    def _log_density(x: Array, probability: Array, logit: Array | None = None) -> Array:
        if logit is None:
            return xlogy(x, probability) + xlog1py(1.0 - x, -probability)
        return -softplus((1.0 - 2.0 * x) * logit)

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
        return probability * softplus(-logit) + logistic(-logit) * softplus(logit)

    @staticmethod
    def _caution(probability: float, logit: float | None = None) -> Caution | None:  # noqa: ARG004
        return _logit_caution(logit)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        return [{"probability": share_inside(mean, float(np.sum(weights)))}]


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

    canonical: ClassVar[Mapping[str, Support]] = {
        "trials": POSITIVE_COUNTS,
        "probability": _PROBABILITY,
    }
    given = ("trials",)
    alternatives = (
        Parametrisation(
            {"trials": POSITIVE_COUNTS, "logit": REAL},
            lambda trials, logit: {
                "trials": trials,
                "probability": logistic(logit),
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
            return log_binomial(x, trials, probability, 1.0 - probability)
        return log_binomial_by_logit(x, trials, logit)

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
        return entropy_on_grid(log_probability, trials * probability, variance)

    @staticmethod
    def _caution(
        trials: float,  # noqa: ARG004  # by keyword
        probability: float,  # noqa: ARG004
        logit: float | None = None,
    ) -> Caution | None:
        return _logit_caution(logit)

    def starts(self, values: Vector, weights: Vector) -> list[Mapping[str, float | Vector]]:
        """Give the share of successes, which is the estimate."""
        n = self._trials
        share = float(np.average(values, weights=weights)) / n
        probability = share_inside(share, n * float(np.sum(weights)))
        return [self.from_canonical({"trials": n, "probability": probability})]


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

    canonical: ClassVar[Mapping[str, Support]] = {
        "probability": Interval(lower=0.0, upper=1.0, holds_upper=True)
    }
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
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [{"probability": 1.0 / (1.0 + mean_inside(values, weights))}]
