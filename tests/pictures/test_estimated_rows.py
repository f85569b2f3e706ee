"""Censored, truncated, binned and weighted rows in pictures, against kl.empirical and SciPy."""

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.pictures.fit_figure import rows_of

RNG = np.random.default_rng(5)
TIME = RNG.weibull(1.5, 120) * 50.0
END = RNG.uniform(20.0, 90.0, 120)
DATA = {"time": np.minimum(TIME, END), "failed": TIME <= END, "times": RNG.integers(1, 4, 120)}
BINS = {
    "after": [0.0, 10.0, 20.0, 40.0, 80.0],
    "by": [10.0, 20.0, 40.0, 80.0, np.inf],
    "n": [8, 15, 30, 20, 4],
}


@pytest.fixture(scope="module")
def censored() -> kl.Fit:
    return kl.fit(kl.Weibull(), DATA, "time", event="failed", weights="times")


@pytest.fixture(scope="module")
def binned() -> kl.Fit:
    return kl.fit(kl.Weibull(), BINS, ("after", "by"), weights="n")


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_distribution_function_is_the_kaplan_meier_estimate(censored: kl.Fit) -> None:
    found = kl.empirical(DATA, "time", event="failed", weights="times")
    axes = censored.plot("cdf").axes[0]
    x, shares = axes.lines[0].get_data()
    inside = np.flatnonzero(np.diff(x) > 0.0)  # the middle of each flat piece
    middle = 0.5 * (x[inside] + x[inside + 1])
    np.testing.assert_allclose(shares[inside], found.cdf(middle), rtol=1e-12)
    assert legend(axes) == ["Kaplan–Meier estimate, 95% band", "Weibull"]
    assert axes.get_title(loc="left").endswith("of them right-censored")


def test_points_lie_in_the_middle_of_steps(censored: kl.Fit) -> None:
    found = kl.empirical(DATA, "time", event="failed", weights="times").to_frame()
    steps = found[found["lower"] == found["upper"]]
    middle = steps["cdf"] - 0.5 * steps["mass"]
    theirs = stats.weibull_min(censored.params["shape"], scale=censored.params["scale"])
    x, y = censored.plot("qq").axes[0].lines[-1].get_data()
    np.testing.assert_allclose(x, theirs.ppf(middle), rtol=1e-9)
    np.testing.assert_array_equal(y, steps["upper"])
    x, y = censored.plot("pp").axes[0].lines[-1].get_data()
    np.testing.assert_allclose(x, theirs.cdf(steps["upper"]), rtol=1e-9)
    np.testing.assert_allclose(y, middle, rtol=1e-12)


def test_bins_are_drawn_as_they_are(binned: kl.Fit) -> None:
    (stairs,) = binned.plot("density").axes[0].patches
    heights, edges, _ = stairs.get_data()
    np.testing.assert_array_equal(edges, [0.0, 10.0, 20.0, 40.0, 80.0])
    shares = np.array([8, 15, 30, 20]) / 77.0
    np.testing.assert_allclose(heights, shares / np.diff(edges), rtol=1e-9)
    axes = binned.plot("cdf").axes[0]
    assert legend(axes) == ["Turnbull estimate, 95% band of each point", "Weibull"]
    dotted = axes.lines[1]  # straight across the bins: an ogive
    assert dotted.get_linestyle() == ":"
    x, y = dotted.get_data()
    np.testing.assert_allclose(y[1::3], np.cumsum(shares), rtol=1e-9)
    np.testing.assert_array_equal(x[1::3], [10.0, 20.0, 40.0, 80.0])


def test_the_hazard_of_rows_and_of_the_fit(censored: kl.Fit, binned: kl.Fit) -> None:
    for fit in (censored, binned):
        axes = fit.plot("hazard").axes[0]
        heights, edges, _ = axes.patches[0].get_data()
        beyond = 1.0 - kl.empirical(*ROLES[fit is censored], **HOW[fit is censored]).cdf(edges)
        expected = np.log(beyond[:-1] / beyond[1:]) / np.diff(edges)
        np.testing.assert_allclose(heights, expected, rtol=1e-9)
        theirs = stats.weibull_min(fit.params["shape"], scale=fit.params["scale"])
        x, hazard = axes.lines[-1].get_data()
        x, hazard = x[1:-100], hazard[1:-100]
        np.testing.assert_allclose(hazard, theirs.pdf(x) / theirs.sf(x), rtol=1e-8)


ROLES = [(BINS, ("after", "by")), (DATA, "time")]
HOW = [{"weights": "n"}, {"event": "failed", "weights": "times"}]


def test_the_hazard_of_counts() -> None:
    counts = np.array([0] * 40 + [1] * 30 + [2] * 20 + [3] * 10)
    axes = kl.fit(kl.Poisson(), counts).plot("hazard").axes[0]
    heights, _, _ = axes.patches[0].get_data()
    np.testing.assert_allclose(heights[:4], [40 / 100, 30 / 60, 20 / 30, 1.0], rtol=1e-12)
    x, hazard = axes.lines[-1].get_data()
    theirs = stats.poisson(np.mean(counts))
    np.testing.assert_allclose(hazard, theirs.pmf(x) / theirs.sf(x - 1.0), rtol=1e-9)


def test_rows_that_are_all_truncated_are_placed_above_the_fitted_probability() -> None:
    x = np.random.default_rng(1).normal(10.0, 3.0, 900)
    x = x[(x > 9.0) & (x < 15.0)]
    fit = kl.fit(kl.Normal(), {"x": x}, "x", truncation=(9.0, 15.0))
    theirs = stats.norm(fit.params["loc"], fit.params["scale"])
    below, inside = theirs.cdf(9.0), theirs.cdf(15.0) - theirs.cdf(9.0)
    rows, why = rows_of(fit)
    assert rows is not None
    assert why == ""
    np.testing.assert_array_equal(rows.values, np.sort(x))
    upto = below + inside * np.arange(1, x.size + 1) / x.size
    np.testing.assert_allclose(rows.upto, upto, rtol=1e-9)
    axes = fit.plot("cdf").axes[0]
    assert legend(axes)[0] == "empirical distribution function above 9 up to 15,\n95% band"
    ends = axes.lines[0].get_xdata()
    assert (ends[0], ends[-1]) == (9.0, 15.0)  # outside nothing was seen


def test_several_fits_and_bands(censored: kl.Fit) -> None:
    other = kl.fit(kl.Gamma(), DATA, "time", event="failed", weights="times")
    axes = kl.plot([censored, other], "survival", band=True).axes[0]
    curves = ["Weibull", "95% band of each point", "Gamma", "95% band of each point"]
    assert sorted(legend(axes)) == sorted(["Kaplan–Meier estimate, 95% band", *curves])
    assert legend(censored.plot("paper").axes[0])[1] == "Kaplan–Meier estimate"
    assert censored.plot("likelihood").axes[0].get_title(loc="left").startswith("Likelihood of We")


def test_rows_that_say_nothing_of_the_distribution() -> None:
    data = {"t": [1.0, 2.0, 3.0], "seen": [0, 0, 0]}
    fit = kl.fit(kl.Weibull(shape=1.0), data, "t", event="seen")
    assert [axes.get_title(loc="left") for axes in fit.plot().axes][:1] != []
    with pytest.raises(
        kl.KullbackError, match="right-censored, which leave their distribution unk"
    ):
        fit.plot("qq")
