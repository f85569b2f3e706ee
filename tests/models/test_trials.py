"""The families of trials, against mpmath at 90 digits and SciPy."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import expit

import kullback as kl
from kullback._core.errors import ModelError
from kullback.models.counts.bernoulli import Bernoulli
from kullback.models.counts.binomial import Binomial
from kullback.models.counts.geometric import Geometric

M = mp.mpf

COUNTS = np.array([0, 1, 2, 3, 7, 40, 1000, 10**6, 10**8, 10**8 + 10**4], dtype=float)


@pytest.fixture(autouse=True)
def _digits():
    # 60 digits; differences of ln Γ(1e30) cancel 32 of them, which leaves enough
    with mp.workdps(90):
        yield


def mp_binomial(x, n, p):
    choose = mp.loggamma(n + 1) - mp.loggamma(x + 1) - mp.loggamma(n - x + 1)
    return choose + x * mp.log(p) + (n - x) * mp.log1p(-p)


def mp_geometric(x, p):
    return mp.log(p) + x * mp.log1p(-p)


def grid(*axes):
    return [a.ravel() for a in np.meshgrid(*axes, indexing="ij")]


# ---- Bernoulli ---------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1e-200, 1e-12, 0.3, 0.5, 1 - 1e-12])
def test_bernoulli_is_two_probabilities(p, check):
    model = Bernoulli(probability=p)
    failure = mp.log1p(-M(p))
    check(model.log_density([0.0, 1.0]), [failure, mp.log(M(p))])
    check([model.log_cdf(0.0), model.log_survival(0.5)], [failure, mp.log(M(p))])
    assert model.cdf(1.0) == 1.0
    assert model.log_density(2.0) == -np.inf
    check([model.entropy()], [-M(p) * mp.log(M(p)) - (1 - M(p)) * failure])
    assert model.quantile([0.0, 1.0]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("t", [-800.0, -40.0, 0.0, 1.5, 40.0, 800.0])
def test_bernoulli_by_logit_loses_neither_end(t, check):
    model = Bernoulli(logit=t)
    expected = [-mp.log1p(mp.exp(M(t))), -mp.log1p(mp.exp(-M(t)))]
    check(model.log_density([0.0, 1.0]), expected)
    p = 1 / (1 + mp.exp(-M(t)))
    if abs(t) < 700:  # beyond it the variance underflows, to 0
        q = 1 / (1 + mp.exp(M(t)))
        check([model.variance()], [p * q])
        check([model.entropy()], [-q * expected[0] - p * expected[1]])


def test_a_certain_bernoulli_may_be_given():
    assert Bernoulli(probability=0.0).log_density([0.0, 1.0]).tolist() == [0.0, -np.inf]
    assert Bernoulli(probability=1.0).log_density([0.0, 1.0]).tolist() == [-np.inf, 0.0]
    assert Bernoulli(probability=1.0).entropy() == 0.0
    with pytest.raises(ModelError, match="0 <= probability <= 1"):
        Bernoulli(probability=1.5)


def test_bernoulli_derivatives_stay_finite(derivatives):
    p = np.array([0.0, 1e-100, 1e-9, 0.5, 1.0 - 1e-9])
    _, score, curvature = derivatives(Bernoulli(probability=0.5), 0.0, probability=p)
    np.testing.assert_allclose(score, -1.0 / (1.0 - p), rtol=1e-14)
    np.testing.assert_allclose(curvature, -1.0 / (1.0 - p) ** 2, rtol=1e-14)
    x, t = grid([0.0, 1.0], [-1000.0, -40.0, -1.0, 0.0, 2.0, 40.0, 1000.0])
    _, score, curvature = derivatives(Bernoulli(logit=0.0), x, logit=t)
    # SciPy's expit is exact at both ends
    np.testing.assert_allclose(score, np.where(x == 1, expit(-t), -expit(t)), rtol=1e-14)
    np.testing.assert_allclose(curvature, -expit(t) * expit(-t), rtol=1e-14)


# ---- Binomial ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 30, 10**8])
def test_binomial_log_density(n, check):
    x = np.unique(np.floor(n * np.array([0.0, 1e-6, 0.1, 0.3, 0.5, 0.9, 1.0])))
    for p in [1e-300, 1e-12, 1e-3, 0.3, 0.5, 0.999, 1.0 - 1e-12]:
        got = Binomial(trials=n, probability=p).log_density(x)
        check(got, [mp_binomial(M(int(k)), M(n), M(p)) for k in x])
    for t in [-800.0, -699.0, -40.0, -0.3, 5.0, 40.0, 800.0]:
        got = Binomial(trials=n, logit=t).log_density(x)
        log_q, log_p = -mp.log1p(mp.exp(M(t))), -mp.log1p(mp.exp(-M(t)))
        expected = [mp_binomial(M(int(k)), M(n), M(0.5)) + n * mp.log(2) for k in x]
        expected = [
            c + int(k) * log_p + (n - int(k)) * log_q for c, k in zip(expected, x, strict=True)
        ]
        check(got, expected)


def test_binomial_support_follows_the_trials():
    model = Binomial(trials=3, probability=0.5)
    assert model.log_density([-1.0, 0.5, 4.0]).tolist() == [-np.inf] * 3
    assert model.log_cdf([-1.0, 3.0, 9.0]).tolist() == [-np.inf, 0.0, 0.0]
    assert model.support.phrase("y") == "y = 0, ..., 3"
    assert model.structure == Binomial(trials=4, probability=0.5).structure
    assert Binomial(trials=4, probability=0.5).log_density(4.0) == pytest.approx(4 * np.log(0.5))
    with pytest.raises(ModelError, match="Binomial needs trials, which is not estimated"):
        Binomial(probability=0.5)
    with pytest.raises(ModelError, match="trials = 1, 2, 3"):
        Binomial(trials=2.5)
    certain = Binomial(trials=3, probability=1.0)
    assert certain.log_density([0.0, 2.0, 3.0]).tolist() == [-np.inf, -np.inf, 0.0]
    assert certain.entropy() == 0.0
    assert certain.sample(5, seed=1).tolist() == [3.0] * 5


def test_binomial_tails(check_tails):
    n, x = 300, np.array([0.0, 1.0, 20.0, 90.0, 110.0, 200.0, 298.0, 299.0])
    for p in [1e-9, 0.01, 0.3, 0.7, 1 - 1e-9]:
        model = Binomial(trials=n, probability=p)
        mass = [mp.exp(mp_binomial(M(k), M(n), M(p))) for k in range(n + 1)]
        lower = [mp.fsum(mass[: int(k) + 1]) for k in x]
        check_tails(model, x, lower, [mp.fsum(mass[int(k) + 1 :]) for k in x])


@pytest.mark.parametrize(("n", "p"), [(12, 0.3), (300, 1e-4), (10**6, 0.6)])
def test_binomial_entropy_and_quantiles(n, p):
    model = Binomial(trials=n, probability=p)
    k = np.arange(n + 1)
    log_q = stats.binom.logpmf(k, n, p)
    # SciPy's log-probabilities are good to about 1e-10 at a million trials
    expected = -np.sum(np.exp(log_q) * np.where(np.isfinite(log_q), log_q, 0.0))
    assert model.entropy() == pytest.approx(expected, rel=1e-9)
    u = np.array([1e-12, 0.01, 0.5, 0.99])
    assert model.quantile(u).tolist() == stats.binom.ppf(u, n, p).tolist()
    assert model.quantile(1.0) == n


def test_binomial_derivatives(derivatives):
    n = 50.0
    x, p = grid([0.0, 1.0, 25.0, 50.0], [1e-100, 1e-9, 0.3, 1.0 - 1e-9])
    model = Binomial(trials=50, probability=0.5)
    # trials are never differentiated
    model_rows = derivatives(_WithTrials(model, n), x, probability=p)
    np.testing.assert_allclose(model_rows[1], x / p - (n - x) / (1 - p), rtol=1e-13)
    np.testing.assert_allclose(model_rows[2], -x / p**2 - (n - x) / (1 - p) ** 2, rtol=1e-13)
    x, t = grid([0.0, 1.0, 25.0, 50.0], [-1000.0, -400.0, -40.0, 0.5, 40.0, 400.0, 1000.0])
    rows = derivatives(_WithTrials(Binomial(trials=50, logit=0.0), n), x, logit=t)
    np.testing.assert_allclose(rows[1], x * expit(-t) - (n - x) * expit(t), rtol=1e-13)
    np.testing.assert_allclose(rows[2], -n * expit(t) * expit(-t), rtol=1e-13)


class _WithTrials:
    """A binomial model whose trials are put in."""

    def __init__(self, model, trials):
        self.model, self.trials = model, trials

    def row_log_density_inside(self, x, parameters):
        trials = jnp.float64(self.trials)
        return self.model.row_log_density_inside(x, {"trials": trials, **parameters})


# ---- Geometric ---------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1e-150, 1e-12, 0.3, 0.7, 1.0 - 1e-12])
def test_geometric(p, check):
    model, q = Geometric(probability=p), M(p)
    check(model.log_density(COUNTS), [mp_geometric(M(x), q) for x in COUNTS])
    tail = [(M(x) + 1) * mp.log1p(-q) for x in COUNTS]
    check(model.log_survival(COUNTS), tail)
    lower = [mp.log(-mp.expm1(e)) if e > -1 else mp.log1p(-mp.exp(e)) for e in tail]
    check(model.log_cdf(COUNTS), lower)
    check([model.mean(), model.variance()], [(1 - q) / q, (1 - q) / q**2])
    check([model.entropy()], [-mp.log(q) - (1 - q) / q * mp.log1p(-q)])
    below = np.floor(np.minimum(COUNTS[:6], 30.0 / -np.log1p(-p)))
    below = below[model.density(below) > 1e-9]
    # halfway between two steps of the distribution function
    u = model.cdf(below) - 0.5 * model.density(below)
    assert model.quantile(u).tolist() == below.tolist()


@pytest.mark.parametrize("mean", [1e-300, 1e-12, 0.4, 5.0, 1e12])
def test_geometric_by_mean(mean, check):
    model, m = Geometric(mean=mean), M(mean)
    expected = [x * mp.log(m / (1 + m)) - mp.log1p(m) for x in map(M, COUNTS)]
    check(model.log_density(COUNTS), expected)
    check([model.entropy()], [mp.log1p(m) + m * mp.log1p(1 / m)])
    assert model.mean() == mean


def test_geometric_derivatives_and_the_certain_end(derivatives):
    assert Geometric(probability=1.0).log_density([0.0, 1.0]).tolist() == [0.0, -np.inf]
    assert Geometric(mean=0.0).log_density([0.0, 1.0]).tolist() == [0.0, -np.inf]
    assert Geometric(probability=1.0).entropy() == 0.0
    assert Geometric(probability=1.0).sample(4, seed=0).tolist() == [0.0] * 4
    x, p = grid([0.0, 1.0, 40.0, 1e8], [1e-100, 1e-6, 0.5, 1.0 - 1e-9])
    _, score, curvature = derivatives(Geometric(), x, probability=p)
    np.testing.assert_allclose(score, 1 / p - x / (1 - p), rtol=1e-13)
    np.testing.assert_allclose(curvature, -1 / p**2 - x / (1 - p) ** 2, rtol=1e-13)
    x, m = grid([0.0, 1.0, 40.0, 1e8], [1e-9, 0.5, 39.0, 1e12])
    _, score, curvature = derivatives(Geometric(mean=1.0), x, mean=m)
    np.testing.assert_allclose(score, (x - m) / (m * (1 + m)), rtol=1e-12, atol=1e-30)
    exact = -x / m**2 + (1 + x) / (1 + m) ** 2
    np.testing.assert_allclose(curvature, exact, rtol=1e-12, atol=1e-12 * np.max((1 + x) / m**2))


# ---- draws and starts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        Bernoulli(probability=0.3),
        Bernoulli(logit=2.0),
        Binomial(trials=20, probability=0.7),
        Binomial(trials=1000, logit=3.0),
        Geometric(probability=0.2),
        Geometric(mean=0.3),
    ],
    ids=repr,
)
def test_draws_follow_the_distribution(model, check_draws):
    check_draws(model)


UGLY = [
    np.array([1.0, 1.0]),
    np.array([1.0, 2.0]),
    np.array([1.0, 1e12]),
    np.array([3.0, 3.0, 3.0, 1e6]),
    np.arange(1.0, 2000.0),
]


@pytest.mark.parametrize("values", UGLY, ids=["ones", "two", "huge", "outlier", "many"])
@pytest.mark.parametrize("model", [Geometric(), Geometric(mean=2.0)], ids=repr)
def test_starts_lie_inside_the_supports(model, values, check_starts):
    check_starts(model, values, 0.0 * values)


def test_starts_are_the_estimates_where_there_is_a_closed_form():
    values, weights = np.array([0.0, 1.0, 4.0]), np.array([2.0, 1.0, 1.0])
    assert Geometric().starts(values, weights)[0] == {"probability": 1 / 2.25}
    start = Binomial(trials=5).starts(values, weights)[0]
    assert start == {"trials": 5.0, "probability": 0.25}
    assert Bernoulli().starts(np.array([0.0, 1.0]), np.array([3.0, 1.0]))[0] == {
        "probability": 0.25
    }
    # all alike: half a row away from the end, which the solver then says it runs to
    assert Bernoulli().starts(np.zeros(1), np.ones(1))[0] == {"probability": 0.25}


def test_counts_in_cells_are_fitted():
    """Counts known to three: against SciPy's optimiser of its own probabilities."""
    lower = np.floor(stats.binom(20, 0.3).rvs(300, random_state=1) / 3.0) * 3.0
    upper = np.minimum(lower + 2.0, 20.0)
    fit = kl.fit(kl.Binomial(trials=20), {"a": lower, "b": upper}, ("a", "b"))

    def loss(p):
        law = stats.binom(20, p)
        return -np.sum(np.log(law.cdf(upper) - law.cdf(lower - 1.0)))

    best = optimize.minimize_scalar(
        loss, bounds=(0.1, 0.6), method="bounded", options={"xatol": 1e-10}
    )
    assert fit.convergence.converged
    assert fit.params["probability"] == pytest.approx(best.x, rel=1e-6)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-12)
