"""Mixtures: their functions against SciPy, and fits of every kind of row against its optimisers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

import kullback as kl

RNG = np.random.default_rng(7)
X = np.concatenate([RNG.normal(0.0, 1.0, 300), RNG.normal(5.0, 2.0, 200)])
TWO = kl.Mixture(
    [kl.Exponential(rate=0.5), kl.Normal(loc=6.0, scale=0.5)],
    weights=[0.7, 0.3],
)
PARTS = (stats.expon(scale=2.0), stats.norm(6.0, 0.5))


def test_functions_against_scipy():
    x = np.array([-3.0, 0.0, 0.1, 5.0, 6.0, 30.0, 90.0])
    for ours, theirs in (
        (TWO.density, lambda d: d.pdf(x)),
        (TWO.cdf, lambda d: d.cdf(x)),
        (TWO.survival, lambda d: d.sf(x)),
    ):
        expected = 0.7 * theirs(PARTS[0]) + 0.3 * theirs(PARTS[1])
        np.testing.assert_allclose(ours(x), expected, rtol=1e-13)  # rounding of SciPy's tails
    mean = 0.7 * 2.0 + 0.3 * 6.0
    assert TWO.mean() == pytest.approx(mean, rel=1e-15)
    second = 0.7 * 8.0 + 0.3 * (36.0 + 0.25)
    assert TWO.variance() == pytest.approx(second - mean**2, rel=1e-14)
    np.testing.assert_allclose(TWO.cdf(TWO.quantile([0.01, 0.5, 0.99])), [0.01, 0.5, 0.99], 1e-13)
    y = TWO.sample(20_000, seed=1)
    assert stats.kstest(y, TWO.cdf).pvalue > 0.001
    np.testing.assert_array_equal(TWO.sample(10, seed=1), y[:10])


def test_entropy_is_integrated():
    model = kl.Mixture(
        [kl.Normal(loc=0.0, scale=1.0), kl.Normal(loc=8.0, scale=1.0)], weights=[0.5, 0.5]
    )
    grid = np.linspace(-12.0, 20.0, 200_001)
    p = 0.5 * stats.norm.pdf(grid) + 0.5 * stats.norm.pdf(grid, 8.0)
    # the trapezoidal rule, exact to rounding for a density that vanishes at both ends
    expected = -np.sum(special.xlogy(p, p)) * (grid[1] - grid[0])
    assert float(kl.entropy(model)) == pytest.approx(expected, rel=1e-11)
    with pytest.raises(kl.ModelError, match=r"kl\.entropy\(model\)"):
        model.entropy()


def mixture_of(theta):
    p = special.expit(theta[0])
    return (p, stats.norm(theta[1], np.exp(theta[2]))), (
        1.0 - p,
        stats.norm(theta[3], np.exp(theta[4])),
    )


def log_likelihood(theta, rows):
    """Σ w log P(event | window): the definition, by SciPy's normal distributions."""
    both = mixture_of(theta)

    def mean(of):
        return sum(p * of(d) for p, d in both)

    total = 0.0
    for kind, *ends, entry, w in rows:
        value = {
            "exact": lambda d: d.pdf(ends[0]),  # noqa: B023  # called at once
            "right": lambda d: d.sf(ends[0]),  # noqa: B023
            "left": lambda d: d.cdf(ends[0]),  # noqa: B023
        }[kind]
        total += w @ np.log(mean(value))
        if entry is not None:
            total -= w @ np.log(mean(lambda d: d.sf(entry)))  # noqa: B023
    return total


@pytest.mark.parametrize("truncated", [False, True])
def test_censored_weighted_rows(tmp_path, truncated):
    rng = np.random.default_rng(11)
    x = np.concatenate([rng.normal(0.0, 1.0, 500), rng.normal(6.0, 1.5, 400)])
    entry = np.where(rng.random(x.size) < 0.5, -1.0, -30.0)
    x, entry = (x[x > entry], entry[x > entry]) if truncated else (x, None)
    w = rng.integers(1, 4, x.size).astype(float)
    limit = -30.0 if truncated else -0.9
    y = np.clip(x, limit, 6.5)
    event = np.where(x > 6.5, 0, np.where(x < limit, -1, 1))
    frame = pd.DataFrame({"y": y, "event": event, "w": w})
    if truncated:
        frame["entry"] = entry
    columns = {
        "y": "y",
        "event": "event",
        "weights": "w",
        "truncation": ("entry", None) if truncated else None,
    }
    fit = kl.fit(kl.Mixture(kl.Normal(), components=2), frame, **columns)
    rows = [
        (name, y[event == code], None if entry is None else entry[event == code], w[event == code])
        for name, code in (("exact", 1), ("right", 0), ("left", -1))
    ]

    def loss(theta):
        return -log_likelihood(theta, rows) / w.sum()

    found = optimize.minimize(
        loss, [0.0, 0.0, 0.0, 6.0, 0.0], method="BFGS", options={"gtol": 1e-9}
    )
    expected = {
        "weights[0]": special.expit(found.x[0]),
        "components[0].loc": found.x[1],
        "components[0].scale": np.exp(found.x[2]),
        "components[1].loc": found.x[3],
        "components[1].scale": np.exp(found.x[4]),
    }
    assert fit.convergence.converged
    for name, value in expected.items():  # BFGS by differences: six digits
        assert fit.model.coefficients[name] == pytest.approx(value, rel=1e-5, abs=1e-5), name
    assert fit.log_likelihood >= -found.fun * w.sum() - 1e-9
    assert -loss(found.x) * w.sum() == pytest.approx(fit.log_likelihood, rel=1e-10)
    file = tmp_path / "rows.parquet"
    frame.to_parquet(file)
    streamed = kl.fit(
        kl.Mixture(kl.Normal(), components=2), file, engine=kl.StreamingEngine, **columns
    )
    assert streamed.params["components[0].loc"] == fit.params["components[0].loc"]
    np.testing.assert_array_equal(streamed.covariance(), fit.covariance())


def test_components_in_order_of_their_means():
    x = np.concatenate([X, -X + 20.0])
    fit = kl.fit(kl.Mixture(kl.Normal(), components=3), x)
    places = [fit.params[f"components[{k}].loc"] for k in range(3)]
    assert places == sorted(places)
    # those with starts of their own stay where these are
    swapped = kl.fit(
        kl.Mixture([kl.Normal(loc=kl.Param(start=5.0)), kl.Normal(loc=kl.Param(start=0.0))]), X
    )
    plain = kl.fit(kl.Mixture(kl.Normal(), components=2), X)
    assert swapped.params["components[0].loc"] == pytest.approx(
        plain.params["components[1].loc"], rel=1e-10
    )
    assert swapped.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-13)


def test_fixed_bounded_and_tied_parameters():
    fixed = kl.fit(kl.Mixture([kl.Normal(loc=0.0), kl.Normal()], weights=[0.6, 0.4]), X)
    assert fixed.params["components[0].loc"] == 0.0
    np.testing.assert_array_equal(fixed.params["weights"], [0.6, 0.4])
    assert set(fixed.stderr) > {"components[1].loc"}
    bounded = kl.fit(kl.Mixture(kl.Normal(scale=kl.Param(lower=1.5)), components=2), X)
    assert bounded.params["components[0].scale"] == 1.5
    assert bounded.convergence.bounds == ("components[0].scale = 1.5, its lower bound",)
    tied = kl.fit(kl.Mixture(kl.Normal(scale=kl.same_as("components[0].scale")), components=2), X)
    assert tied.params["components[1].scale"] == tied.params["components[0].scale"]
    # the tied maximum by an optimiser of its own, of SciPy's densities
    found = optimize.minimize(
        lambda t: (
            -log_likelihood([t[0], t[1], t[2], t[3], t[2]], [("exact", X, None, np.ones(500))])
        ),
        [0.0, 0.0, 0.0, 5.0],
        method="BFGS",
    )
    assert tied.params["components[0].scale"] == pytest.approx(np.exp(found.x[2]), rel=1e-5)
    assert tied.log_likelihood == pytest.approx(-found.fun, rel=1e-10)


def test_degenerate_components_are_named():
    few = kl.fit(kl.Mixture(kl.Normal(), components=3), [1.0, 2.0, 3.2, 5.0])
    assert not few.convergence.converged
    assert few.convergence.reason == "components[1] has collapsed on the value 3.2"
    # less varied than a Poisson sample: the best mixture is one distribution
    counts = np.random.default_rng(1).binomial(6, 0.5, 300)
    one = kl.fit(kl.Mixture(kl.Poisson(), components=2), counts)
    assert not one.convergence.converged
    assert one.convergence.reason.startswith(
        ("components[0] and components[1] are equal", "the weight of")
    )


def test_counts_truncated_components_and_mixtures_of_mixtures():
    counts = np.concatenate([RNG.poisson(2.0, 300), RNG.poisson(9.0, 200)])
    fit = kl.fit(kl.Mixture(kl.Poisson(), components=2), counts)
    found = optimize.minimize(
        lambda t: (
            -np.sum(
                np.log(
                    special.expit(t[0]) * stats.poisson.pmf(counts, np.exp(t[1]))
                    + special.expit(-t[0]) * stats.poisson.pmf(counts, np.exp(t[2]))
                )
            )
        ),
        [0.0, 0.7, 2.2],
        method="BFGS",
    )
    assert fit.params["components[0].rate"] == pytest.approx(np.exp(found.x[1]), rel=1e-5)
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-10)
    nested = kl.Mixture([kl.Mixture(kl.Normal(), components=2), kl.Normal()])
    flat = kl.fit(kl.Mixture(kl.Normal(), components=2), X)
    start = nested.with_given(
        {
            "components[1].loc": kl.Normal(loc=30.0).sources["loc"],
            "components[1].scale": kl.Normal(scale=1.0).sources["scale"],
            "weights": kl.Mixture([kl.Normal(), kl.Normal()], weights=[0.5, 0.5]).sources[
                "weights"
            ],
        }
    )
    inner = kl.fit(start, X)  # the other component has no share in these rows
    assert inner.params["components[0].components[1].loc"] == pytest.approx(
        flat.params["components[1].loc"], rel=1e-9
    )
    assert inner.log_likelihood == pytest.approx(flat.log_likelihood - 500 * np.log(2.0), rel=1e-12)


def test_names_in_reports_files_and_tests(tmp_path):
    model = kl.Mixture([kl.Normal(), kl.Normal(scale=kl.same_as("components[0].scale"))])
    assert repr(model) == (
        "Mixture([Normal(loc=?, scale=?), Normal(loc=?, scale=SameAs(other='components[0].scale'))]"
        ", weights=?)"
    )
    assert model.name == "Mixture(2 Normal)"
    fit = kl.fit(model, X)
    assert fit.names == (
        "weights[0]",
        "weights[1]",
        "components[0].loc",
        "components[0].scale",
        "components[1].loc",
    )
    assert "components[1].loc" in str(fit.summary())
    fit.save(tmp_path / "fit.json")
    assert kl.load(tmp_path / "fit.json") == fit
    difference = fit.test("components[1].loc - components[0].loc = 5")
    assert difference.df == 1
    assert 0.0 < difference.p_value < 1.0
    comparison = kl.compare([kl.Normal(), kl.Mixture(kl.Normal(), components=2)], X, seed=1)
    assert comparison.best.form.name == "Mixture(2 Normal)"


def test_responsibilities_of_every_kind_of_row():
    fit = kl.fit(kl.Mixture(kl.Normal(), components=2), X)
    (p, q), numbers = fit.params["weights"], fit.model.coefficients
    parts = [
        stats.norm(numbers[f"components[{k}].loc"], numbers[f"components[{k}].scale"])
        for k in (0, 1)
    ]
    y = np.array([-1.0, 2.0, 4.0, 9.0])
    for event, of in (
        (None, lambda d: d.pdf(y)),
        (np.zeros(4), lambda d: d.sf(y)),
        (-np.ones(4), lambda d: d.cdf(y)),
    ):
        first, second = p * of(parts[0]), q * of(parts[1])
        found = fit.responsibilities(y, event=event)
        assert found.shape == (4, 2)
        np.testing.assert_allclose(found[:, 0], first / (first + second), rtol=1e-12)
        np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-15)
    # rows of several kinds keep their order, and many are computed in blocks
    mixed = fit.responsibilities(y, event=np.array([1, 0, 1, -1]))
    np.testing.assert_array_equal(mixed[[0, 2]], fit.responsibilities(y)[[0, 2]])
    many = fit.responsibilities(np.resize(y, 70_000))
    np.testing.assert_allclose(
        many[-4:], fit.responsibilities(np.resize(y, 70_000)[-4:]), rtol=1e-12
    )
    with pytest.raises(kl.ModelError, match=r"only fits of kl\.Mixture"):
        kl.fit(kl.Normal(), X).responsibilities(y)
    gap = kl.Mixture([kl.Uniform(lower=0.0, upper=1.0), kl.Uniform(lower=2.0, upper=3.0)])
    separate = kl.fit(gap, [0.5, 0.7, 2.5])
    with pytest.raises(kl.DataError, match=r"row 1 .*is impossible in every component"):
        separate.responsibilities([0.5, 1.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kl.Mixture(kl.Normal()), r"components=2\); got components=None"),
        (lambda: kl.Mixture([kl.Normal()]), "at least two components, got 1"),
        (lambda: kl.Mixture([kl.Normal(), kl.Normal()], components=3), "got 2 models and comp"),
        (lambda: kl.Mixture([kl.Normal(), kl.Normal]), r"Write kl\.Normal\(\)"),
        (lambda: kl.Mixture([kl.Normal(), kl.Poisson()]), "counts, of continuous outcomes, or"),
        (lambda: kl.Mixture(kl.Normal(), components=2, weights=[1.0, 0.0]), "must all be positive"),
        (lambda: kl.Mixture(kl.Normal(), components=2, weights=[0.5, 0.6]), "with sum 1"),
        (
            lambda: kl.Mixture([kl.Normal(scale=kl.same_as("components[2].scale")), kl.Normal()]),
            "a tie needs another parameter",
        ),
        (
            lambda: kl.fit(kl.Normal(scale=kl.same_as("components[0].scale")), X),
            "of a mixture that it is a component of",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(kl.ModelError, match=message):
        make()
