"""Zero with a probability, or a positive number: rows, distribution, fits and refusals.

Expected values come from SciPy's distribution functions of the positive part and the probability
of zero.
"""

import numpy as np
import pytest
from scipy import stats

import kullback as kl

P, BASE = 0.3, stats.gamma(1.7, scale=2.0)
MODEL = kl.Hurdle(kl.Gamma(shape=1.7, rate=0.5), zero_probability=P)
# of a base with a density at 0 and of one with an end, which zeros must not meet
EXPONENTIAL = kl.Hurdle(kl.Exponential(rate=0.5), zero_probability=P)
BETA = kl.Hurdle(kl.Beta(alpha=0.5, beta=2.0), zero_probability=P)
ENDS = [0.0, 0.0, 1.0, 2.0, 5.0]


def below(x):
    """P(X ≤ x)."""
    return np.where(np.asarray(x) < 0.0, 0.0, P + (1.0 - P) * BASE.cdf(x))


def before(x):
    """P(X < x)."""
    return np.where(np.asarray(x) <= 0.0, 0.0, P + (1.0 - P) * BASE.cdf(x))


def mass(x):
    """The probability of 0, the density elsewhere."""
    return np.where(np.asarray(x) == 0.0, P, (1.0 - P) * BASE.pdf(x))


ROWS = {
    "exact": (ENDS, ENDS, None, lambda a, _: mass(a)),
    "right": (ENDS, np.inf, None, lambda a, _: 1.0 - before(a)),
    "left": (-np.inf, ENDS, None, lambda _, b: below(b)),
    "interval from 0": (0.0, [1.0, 2.0, 3.0, 4.0, 5.0], None, lambda _, b: below(b)),
    "interval": (ENDS, [0.5, 2.0, 3.0, 4.0, 9.0], None, lambda a, b: below(b) - before(a)),
    "exact in a window": (ENDS, ENDS, (0.0, 6.0), lambda a, _: mass(a) / below(6.0)),
    "right in a window": (
        [1.0, 2.0, 3.0],
        np.inf,
        (0.5, None),
        lambda a, _: (1.0 - before(a)) / (1.0 - before(0.5)),
    ),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("engine", [kl.LocalEngine, kl.StreamingEngine])
def test_likelihood_of_every_row(name, engine):
    lower, upper, window, expected = ROWS[name]
    lower, upper = (np.array(end, float) for end in np.broadcast_arrays(lower, upper))
    w = np.arange(1.0, lower.size + 1.0)
    terms = np.log(expected(lower, upper))
    data = {"a": lower, "b": upper, "w": w}
    for weights, total in ((None, terms.sum()), ("w", w @ terms)):
        fit = kl.fit(MODEL, data, ("a", "b"), truncation=window, weights=weights, engine=engine)
        # SciPy's distribution functions have 1e-13; differences of them lose a digit
        assert fit.log_likelihood == pytest.approx(total, rel=1e-12)


def test_functions_of_the_distribution():
    x = np.array([-1.0, 0.0, 1e-9, 0.5, 3.0, 40.0])
    np.testing.assert_allclose(MODEL.density(x), mass(x), rtol=1e-12)
    np.testing.assert_allclose(MODEL.cdf(x), below(x), rtol=1e-13)
    np.testing.assert_allclose(MODEL.survival(x[1:]), (1.0 - P) * BASE.sf(x[1:]), rtol=1e-12)
    np.testing.assert_array_equal(MODEL.quantile([0.0, 0.1, P]), 0.0)
    u = np.array([0.3001, 0.5, 0.99])
    np.testing.assert_allclose(MODEL.quantile(u), BASE.ppf((u - P) / (1.0 - P)), rtol=1e-11)
    assert MODEL.mean() == pytest.approx((1.0 - P) * BASE.mean(), rel=1e-14)
    second = (1.0 - P) * (BASE.var() + BASE.mean() ** 2)
    assert MODEL.variance() == pytest.approx(second - MODEL.mean() ** 2, rel=1e-13)
    two = -P * np.log(P) - (1.0 - P) * np.log1p(-P)
    assert MODEL.entropy() == pytest.approx(two + (1.0 - P) * BASE.entropy(), rel=1e-12)
    np.testing.assert_allclose(
        MODEL.hazard([0.0, 1.0]), [P, BASE.pdf(1.0) / BASE.sf(1.0)], rtol=1e-12
    )
    draws = MODEL.sample(20_000, seed=1)
    # five standard errors
    assert np.mean(draws == 0.0) == pytest.approx(P, abs=5.0 * np.sqrt(P * (1.0 - P) / 20_000))
    distance = stats.kstest(draws[draws > 0.0], BASE.cdf).statistic
    assert distance < 2.2 / np.sqrt(np.sum(draws > 0.0))  # by chance once in 10,000
    for model in (EXPONENTIAL, BETA):
        assert model.density(0.0) == pytest.approx(P, rel=1e-15)
        assert model.cdf(0.0) == pytest.approx(P, rel=1e-15)


@pytest.mark.parametrize("base", [kl.Gamma(), kl.LogNormal(), kl.Exponential(), kl.Weibull()])
@pytest.mark.parametrize("engine", [kl.LocalEngine, kl.StreamingEngine])
def test_fit_parts_the_zeros_from_the_rest(base, engine):
    """The estimates are the share of zeros, and those of the positive rows alone."""
    y = np.where(np.random.default_rng(3).random(300) < 0.4, 0.0, BASE.rvs(300, random_state=4))
    own = kl.fit(base, y[y > 0.0])
    fit = kl.fit(kl.Hurdle(base), {"y": y}, "y", engine=engine)
    share = np.mean(y == 0.0)
    assert fit.params["zero_probability"] == pytest.approx(share, rel=1e-12)
    assert fit.stderr["zero_probability"] == pytest.approx(
        np.sqrt(share * (1.0 - share) / y.size), rel=1e-9
    )
    for name, value in own.params.items():
        assert fit.params[name] == pytest.approx(value, rel=1e-9)
        assert fit.stderr[name] == pytest.approx(own.stderr[name], rel=1e-8)
    binomial = y.size * (share * np.log(share) + (1.0 - share) * np.log1p(-share))
    assert fit.log_likelihood == pytest.approx(own.log_likelihood + binomial, rel=1e-12)
    expected = fit.covariance("expected")
    np.testing.assert_allclose(expected[0, 0], share * (1.0 - share) / y.size, rtol=1e-9)
    rate = fit.model.parts[""].in_default().params
    assert len(rate) == len(expected) - 1


def test_censored_and_rounded_rows_with_zeros(tmp_path):
    """Rows that are known in part, and zeros: against SciPy's likelihood, maximised."""
    y = np.where(np.random.default_rng(5).random(200) < 0.3, 0.0, BASE.rvs(200, random_state=6))
    event = np.where(y > 4.0, 0, 1)
    y = np.minimum(y, 4.0)
    fit = kl.fit(kl.Hurdle(kl.Weibull()), y, event=event)
    seen = (y > 0.0) & (event == 1)
    own = kl.fit(kl.Weibull(), y[y > 0.0], event=event[y > 0.0])
    assert np.sum(seen) > 50
    assert fit.params["zero_probability"] == pytest.approx(np.mean(y == 0.0), rel=1e-10)
    assert fit.params["shape"] == pytest.approx(own.params["shape"], rel=1e-9)
    fit.save(tmp_path / "fit.json")
    assert kl.load(tmp_path / "fit.json").model == fit.model
    assert np.isfinite(fit.bootstrap(20, kind="parametric", seed=1).params["shape"]).all()
    # a cell around 0 holds it: of width 1, [−0.5, 0.5] has p and what lies below a half
    cells = kl.fit(kl.Hurdle(kl.Exponential(rate=0.5)), np.round(y), rounding=1.0)
    p = cells.params["zero_probability"]
    share = np.mean(np.round(y) == 0.0)
    assert p + (1.0 - p) * -np.expm1(-0.25) == pytest.approx(share, rel=1e-9)


def test_what_is_not_defined_is_refused():
    y = np.where(np.random.default_rng(7).random(60) < 0.4, 0.0, BASE.rvs(60, random_state=8))
    fit = kl.fit(kl.Hurdle(kl.Gamma()), y)
    assert "a probability at 0 and a density" in str(fit.decomposition())
    with pytest.raises(kl.ModelError, match="compare the bases"):
        kl.kl_divergence(MODEL, EXPONENTIAL)
    with pytest.raises(kl.ModelError, match="one kind of outcome"):
        kl.compare([kl.Hurdle(kl.Gamma()), kl.Exponential()], y)
    with pytest.raises(kl.ModelError, match="choose one kind"):
        kl.Mixture([MODEL, kl.Exponential()])
    for wrapped in (kl.Shifted, kl.Truncated):
        with pytest.raises(kl.ModelError, match="has a probability at 0"):
            wrapped(MODEL)
    with pytest.raises(kl.ModelError, match=r"kl\.Hurdle\(kl\.Truncated\(Normal"):
        kl.Hurdle(kl.Normal())
    ends = np.array([0.0, 1.0, 2.0, 4.0])
    tested = fit.goodness_of_fit(0, cells=ends)
    assert tested.kolmogorov_smirnov is None
    seen = np.diff([0, *(np.sum(y <= end) for end in ends), y.size])
    hoped = y.size * np.diff([0.0, *fit.model.cdf(ends), 1.0])
    assert tested.chi_square.statistic == pytest.approx(np.sum((seen - hoped) ** 2 / hoped))
    with pytest.raises(kl.KullbackError, match="upper ends"):
        fit.goodness_of_fit(0, cells=4)
    with pytest.raises(kl.KullbackError, match="kind='cdf'"):
        fit.plot("density")


def test_compared_with_others_like_it():
    y = np.where(np.random.default_rng(9).random(400) < 0.4, 0.0, BASE.rvs(400, random_state=2))
    table = kl.compare([kl.Hurdle(kl.Gamma()), kl.Hurdle(kl.Pareto(minimum=1e-6))], y)
    assert table.best.model.name == "Hurdle(Gamma)"
    groups = kl.fit(kl.Hurdle(kl.Gamma()), {"y": y, "g": np.arange(400) % 2}, "y", by="g")
    alone = kl.fit(kl.Hurdle(kl.Gamma()), y[1::2])
    assert groups[1].params["shape"] == pytest.approx(alone.params["shape"], rel=1e-9)


def test_mixture_of_two():
    mixture = kl.Mixture([MODEL, EXPONENTIAL], weights=[0.25, 0.75])
    assert mixture.density(0.0) == pytest.approx(P, rel=1e-15)
    expected = 0.25 * MODEL.survival(2.0) + 0.75 * EXPONENTIAL.survival(2.0)
    assert mixture.survival(2.0) == pytest.approx(expected, rel=1e-13)
    fit = kl.fit(mixture, {"a": [0.0, 1.0], "b": [np.inf, np.inf]}, ("a", "b"))
    assert fit.log_likelihood == pytest.approx(
        np.log(0.25 * MODEL.survival(1.0) + 0.75 * EXPONENTIAL.survival(1.0)), rel=1e-12
    )
