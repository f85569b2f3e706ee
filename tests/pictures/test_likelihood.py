"""The likelihood of one and two parameters: contours and curves against SciPy's log-densities."""

from collections.abc import Callable
from typing import Any

import matplotlib.axes
import numpy as np
import pytest
from scipy import optimize, stats

import kullback as kl
from kullback.models.linear import Linear
from kullback.models.penalty import Ridge

LEVELS = (0.5, 0.9, 0.95, 0.99)
GAMMA = stats.gamma(2.0, scale=1.5).rvs(60, random_state=np.random.default_rng(1))


@pytest.fixture(scope="module")
def gamma() -> kl.Fit:
    return kl.fit(kl.Gamma(), {"loss": GAMMA})


def contours(axes: matplotlib.axes.Axes) -> list[np.ndarray]:
    """The vertices of the edge of each region."""
    return [path.vertices for path in axes.collections[1].get_paths()]


def check(axes: matplotlib.axes.Axes, log_likelihood: Callable[..., float], largest: float) -> None:
    """Every edge lies where twice the log-likelihood is the quantile of chi-squared below."""
    for level, edge in zip(LEVELS, contours(axes), strict=True):
        places = edge[:: max(1, len(edge) // 8)]
        assert len(places) >= 8
        below = [2.0 * (largest - log_likelihood(*place)) for place in places]
        # interpolated: a hundredth of the deviance moves an edge by half of that of its distance
        np.testing.assert_allclose(below, stats.chi2(2).ppf(level), rtol=0.01)


def test_regions_of_two_parameters(gamma: kl.Fit) -> None:
    figure = gamma.plot("likelihood")
    (axes,) = figure.axes

    def log_likelihood(shape: float, rate: float) -> float:
        return float(stats.gamma(shape, scale=1.0 / rate).logpdf(GAMMA).sum())

    best = (gamma.params["shape"], gamma.params["rate"])
    check(axes, log_likelihood, log_likelihood(*best))
    assert axes.get_title(loc="left") == "Likelihood of Gamma fitted to 60 rows"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("shape", "rate")
    assert sorted(text.get_text() for text in axes.texts) == ["50%", "90%", "95%", "99%"]
    legend = axes.get_legend()
    assert [t.get_text() for t in legend.get_texts()] == ["Wald region, 95%", "estimate"]
    wald, dot = axes.lines
    np.testing.assert_allclose(np.ravel(dot.get_data()), best)
    # the Wald region: an ellipse in logarithms, by the inverse of the covariance there
    away = np.log(np.array(wald.get_data()) / np.array(best)[:, None])
    covariance = gamma.covariance() / np.outer(best, best)
    squares = np.sum(away * np.linalg.solve(covariance, away), axis=0)
    np.testing.assert_allclose(squares, stats.chi2(2).ppf(0.95), rtol=1e-9)


def test_the_order_of_parameters_is_the_users(gamma: kl.Fit) -> None:
    axes = gamma.plot("likelihood", parameters=["rate", "shape"]).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rate", "shape")

    def log_likelihood(rate: float, shape: float) -> float:
        return float(stats.gamma(shape, scale=1.0 / rate).logpdf(GAMMA).sum())

    check(axes, log_likelihood, gamma.log_likelihood)


def test_other_parameters_are_fitted_again() -> None:
    law = stats.genextreme(-0.2, loc=10.0, scale=2.0)
    x = law.rvs(80, random_state=np.random.default_rng(2))
    fit = kl.fit(kl.GeneralizedExtremeValue(), x)
    axes = fit.plot("likelihood", parameters=["scale", "shape"]).axes[0]
    title = "Profile likelihood of GeneralizedExtremeValue fitted to 80 rows"
    assert axes.get_title(loc="left") == title

    def log_likelihood(scale: float, shape: float) -> float:
        def loss(loc: float) -> float:
            return -float(stats.genextreme(-shape, loc, scale).logpdf(x).sum())

        return -float(optimize.minimize_scalar(loss, (9.5, 10.5), options={"xtol": 1e-9}).fun)

    check(axes, log_likelihood, fit.log_likelihood)


def test_regions_end_where_rows_are_impossible() -> None:
    x = stats.genpareto(-0.3).rvs(40, random_state=np.random.default_rng(3))
    axes = kl.fit(kl.GeneralizedPareto(), x).plot("likelihood").axes[0]
    shape = np.linspace(-0.99, -0.01, 50)
    for path in axes.collections[1].get_paths():
        for edge in path.to_polygons(closed_only=False):
            np.testing.assert_allclose(edge[0], edge[-1], rtol=1e-12, err_msg="an edge is open")
        # the end of the support, −scale/shape, lies beyond the largest row, up to a place's width
        inside = [path.contains_point((-0.95 * x.max() * s, s)) for s in shape]
        assert not any(inside)


def test_axes_stay_in_the_domain_and_are_logarithmic_where_wide() -> None:
    axes = kl.fit(kl.Gamma(), [0.4, 1.0, 1.3, 2.0, 5.0]).plot("likelihood").axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert min(axes.get_xlim()[0], axes.get_ylim()[0]) > 0.0
    axes = kl.fit(kl.Beta(), stats.beta(2, 3).rvs(400, random_state=1)).plot("likelihood").axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "linear")


def test_the_curve_of_one_parameter() -> None:
    x = np.array([0.3, 1.2, 0.1, 2.5, 0.9, 3.1, 0.2])
    axes = kl.fit(kl.Exponential(), x).plot("likelihood").axes[0]
    curve, wald, *_ = axes.lines
    rate, below = curve.get_data()
    best = 1.0 / x.mean()
    expected = [stats.expon(scale=1.0 / r).logpdf(x).sum() for r in rate]
    largest = stats.expon(scale=1.0 / best).logpdf(x).sum()
    np.testing.assert_allclose(below, np.array(expected) - largest, atol=2e-3)
    # the Wald approximation: a parabola in the logarithm, whose error is 1/√n
    u = np.log(wald.get_xdata() / best)
    np.testing.assert_allclose(wald.get_ydata(), -0.5 * 7 * u * u, atol=1e-9)
    assert axes.get_ylabel() == "log-likelihood below its maximum, nats"
    heights = [line.get_ydata()[0] for line in axes.lines[3:]]
    np.testing.assert_allclose(heights, -0.5 * stats.chi2(1).ppf(LEVELS), rtol=1e-9)


def test_the_profile_of_one_parameter_meets_its_interval(gamma: kl.Fit) -> None:
    axes = gamma.plot("likelihood", parameters=["shape"]).axes[0]
    shape, below = axes.lines[0].get_data()
    low, high = gamma.interval(method="profile", parameters=["shape"])["shape"]
    ends = np.interp([low, high], shape, below)
    np.testing.assert_allclose(ends, -0.5 * stats.chi2(1).ppf(0.95), atol=5e-3)
    assert axes.get_title(loc="left") == "Profile likelihood of Gamma fitted to 60 rows"


def test_coefficients_of_columns() -> None:
    rng = np.random.default_rng(4)
    z = rng.normal(size=100)
    data = {"z": z, "y": 3.0 + z + 0.5 * rng.normal(size=100)}
    fit = kl.fit(kl.Normal(loc=Linear(("z",)), scale=0.5), data, "y")
    axes = fit.plot("likelihood").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("loc[Intercept]", "loc[z]")
    # of known scale the deviance is a quadratic form in the distance to least squares
    columns = np.stack([np.ones(100), z], axis=1)
    best = np.linalg.lstsq(columns, data["y"])[0]
    for level, edge in zip(LEVELS, contours(axes), strict=True):
        deviance = np.sum((columns @ (edge[::20] - best).T / 0.5) ** 2, axis=0)
        np.testing.assert_allclose(deviance, stats.chi2(2).ppf(level), rtol=0.01)


def test_rows_that_are_fitted_in_another_unit() -> None:
    fit = kl.fit(kl.Gamma(), GAMMA * 2.0**-400)
    assert fit.power
    axes = fit.plot("likelihood").axes[0]

    def log_likelihood(shape: float, rate: float) -> float:
        return float(stats.gamma(shape, scale=2.0**400 / rate).logpdf(GAMMA).sum())

    best = log_likelihood(fit.params["shape"], fit.params["rate"])
    check(axes, log_likelihood, best)


def refused(fit: kl.Fit, match: str, **options: Any) -> None:
    with pytest.raises(kl.KullbackError, match=match):
        fit.plot("likelihood", **options)


def test_what_has_no_surface_is_refused(gamma: kl.Fit) -> None:
    refused(gamma, r"estimated no number 'rat': .* draws shape, rate", parameters=["shape", "rat"])
    refused(gamma, r"one number or two different ones, got \['shape', 'shape'\]",
            parameters=["shape", "shape"])  # fmt: skip
    refused(gamma, r"got 'shape': name them, as in parameters=\['shape', 'rate'\]",
            parameters="shape")  # fmt: skip
    with pytest.raises(kl.KullbackError, match="parameters are those of kind='likelihood'"):
        gamma.plot("density", parameters=["shape"])
    with pytest.raises(kl.KullbackError, match="kind='likelihood' draws one fit, got 2"):
        kl.plot([gamma, gamma], "likelihood")
    refused(gamma.without_data(), "needs the rows, which this fit does not have")
    refused(kl.fit(kl.GeneralizedExtremeValue(), GAMMA), "this fit has 3: name them")
    refused(kl.fit(kl.Uniform(), GAMMA), "name them", parameters=None)
    uniform = kl.fit(kl.Uniform(), GAMMA)
    refused(uniform, "is an end of its range", parameters=["lower", "upper"])
    classes = kl.fit(kl.Categorical(), ["a", "b", "a", "c"])
    refused(classes, "determine each other", parameters=[classes.names[0]])
    far = kl.fit(kl.Poisson(), [0, 0, 0])
    refused(far, "an end of its range|did not converge|name them")
    data = {"z": [0.0, 1.0, 2.0, 3.0], "y": [0, 1, 0, 1]}
    ridge = kl.fit(kl.Bernoulli(logit=Linear(("z",), penalty=Ridge(0.1))), data, "y")
    refused(ridge, "have a ridge penalty")
