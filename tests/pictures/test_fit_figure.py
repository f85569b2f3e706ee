"""Pictures of fits: what they draw, by the numbers in matplotlib's artists."""

import csv
from pathlib import Path
from typing import Any

import matplotlib.pyplot
import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.models.linear import Linear

DANISH = Path(__file__).parents[2] / "examples" / "data" / "danish_fire_losses.csv"


@pytest.fixture(scope="module")
def normal() -> kl.Fit:
    return kl.fit(kl.Normal(), np.random.default_rng(1).normal(10.0, 2.0, 300))


@pytest.fixture(scope="module")
def danish() -> np.ndarray:
    with DANISH.open() as file:
        return np.array([float(row["loss"]) for row in csv.DictReader(file)])


def legend(axes: matplotlib.axes.Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_four_pictures_in_one_figure(normal: kl.Fit) -> None:
    figure = normal.plot()
    assert figure.get_suptitle() == "Normal fitted to 300 rows"
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Density",
        "Distribution function",
        "Quantiles against quantiles",
        "Probabilities against probabilities",
    ]
    assert legend(figure.axes[0]) == ["rows", "Normal"]
    assert legend(figure.axes[1]) == ["rows, 95% band", "Normal"]
    assert not matplotlib.pyplot.get_fignums()  # pyplot does not know it: a notebook shows it once


def test_the_density_over_a_histogram_of_area_one(normal: kl.Fit) -> None:
    (axes,) = normal.plot("density").axes
    x, density = axes.lines[0].get_data()
    theirs = stats.norm(normal.params["loc"], normal.params["scale"])
    np.testing.assert_allclose(density, theirs.pdf(x), rtol=1e-12)
    (bars,) = axes.patches
    heights, edges, _ = bars.get_data()
    assert float(heights @ np.diff(edges)) == pytest.approx(1.0, abs=0.02)  # some rows lie beyond


def test_bars_of_rounded_rows_hold_equally_many_values() -> None:
    x = np.random.default_rng(2).normal(0.0, 1.0, 5_000).round(1)
    heights, edges, _ = kl.fit(kl.Normal(), x).plot("density").axes[0].patches[0].get_data()
    width = np.diff(edges)[0]
    assert width == pytest.approx(0.1 * round(width / 0.1))
    # no comb: each is what the normal distribution has between its edges, up to chance
    expected = np.diff(stats.norm().cdf(edges)) / width
    sd = np.sqrt(expected / (5_000 * width))
    assert np.all(np.abs(heights - expected) < 4.0 * sd)


def test_points_of_quantiles_and_probabilities(normal: kl.Fit) -> None:
    theirs = stats.norm(normal.params["loc"], normal.params["scale"])
    x = np.sort(np.random.default_rng(1).normal(10.0, 2.0, 300))
    at = (np.arange(300) + 0.5) / 300
    dots = normal.plot("qq").axes[0].lines[1]
    np.testing.assert_allclose(dots.get_xdata(), theirs.ppf(at), rtol=1e-9)
    np.testing.assert_allclose(dots.get_ydata(), x)
    dots = normal.plot("pp").axes[0].lines[1]
    np.testing.assert_allclose(dots.get_xdata(), theirs.cdf(x), rtol=1e-9)
    np.testing.assert_allclose(dots.get_ydata(), at)


def test_the_distribution_function_of_the_rows_is_a_step_function(normal: kl.Fit) -> None:
    steps, curve = normal.plot("cdf").axes[0].lines
    at, shares = steps.get_data()  # two corners a step
    np.testing.assert_allclose(shares[::2], [*(np.arange(301) / 300), 1.0])
    assert np.all((at[1:] == at[:-1]) | (shares[1:] == shares[:-1]))
    x, probability = curve.get_data()
    theirs = stats.norm(normal.params["loc"], normal.params["scale"])
    np.testing.assert_allclose(probability, theirs.cdf(x), rtol=1e-9)


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (kl.Weibull(), stats.weibull_min(1.5, scale=100.0)),
        (kl.LogNormal(), stats.lognorm(1.0, scale=5.0)),
        (kl.Gumbel(), stats.gumbel_r(3.0, 2.0)),
    ],
)
def test_the_distribution_is_a_line_on_its_paper(model: kl.Model, law: Any) -> None:
    x = law.rvs(200, random_state=np.random.default_rng(3))
    axes = kl.fit(model, x).plot("paper").axes[0]
    line = axes.lines[-1]
    across = np.asarray(line.get_xdata())
    across = np.log(across) if axes.get_xscale() == "log" else across
    slope, intercept = np.polyfit(across, line.get_ydata(), 1)
    np.testing.assert_allclose(line.get_ydata(), intercept + slope * across, atol=1e-9)
    marks = [text.get_text() for text in axes.get_yticklabels()]
    assert {"0.1", "0.5", "0.9"} <= set(marks)
    low, high = axes.get_ylim()
    assert np.min(np.diff(np.sort(axes.get_yticks()))) > 0.04 * (high - low)  # they have room


def test_axes_are_logarithmic_where_the_rows_ask_for_it(danish: np.ndarray) -> None:
    density, cdf, qq, pp = kl.fit(kl.LogNormal(), danish).plot().axes
    assert [a.get_xscale() for a in (density, cdf, qq, pp)] == ["log", "log", "log", "linear"]
    assert density.get_ylabel() == "density of the logarithm"
    heights, edges, _ = density.patches[0].get_data()
    assert float(heights @ np.diff(np.log(edges))) == pytest.approx(1.0, abs=0.01)
    exponential = np.random.default_rng(4).exponential(size=1_000)
    assert kl.fit(kl.Exponential(), exponential).plot("density").axes[0].get_xscale() == "linear"


def test_counts_are_drawn_as_counts() -> None:
    x = np.array([0, 0, 1, 3, 3, 3, 5])
    fits = [kl.fit(kl.Poisson(), x), kl.fit(kl.Geometric(), x)]
    axes = kl.plot(fits, "density").axes[0]
    bars = {bar.get_x() + 0.5 * bar.get_width(): bar.get_height() for bar in axes.patches}
    assert {round(k): v for k, v in bars.items()} == {0: 2 / 7, 1: 1 / 7, 3: 3 / 7, 5: 1 / 7}
    k, probability = axes.lines[0].get_data()
    np.testing.assert_allclose(probability, stats.poisson(15 / 7).pmf(k), rtol=1e-9)
    dots = kl.plot(fits, "pp").axes[0].lines[1]
    np.testing.assert_allclose(dots.get_xdata(), stats.poisson(15 / 7).cdf([0, 1, 3, 5]))
    np.testing.assert_allclose(dots.get_ydata(), [2 / 7, 3 / 7, 6 / 7, 1.0])


def test_survival_and_quantile_functions(normal: kl.Fit) -> None:
    theirs = stats.norm(normal.params["loc"], normal.params["scale"])
    steps, curve = normal.plot("survival").axes[0].lines
    shares = np.asarray(steps.get_ydata())[::2]  # of two corners a step
    np.testing.assert_allclose(shares, [*(1.0 - np.arange(301) / 300), 0.0], atol=1e-15)
    x, probability = curve.get_data()
    np.testing.assert_allclose(probability, theirs.sf(x), rtol=1e-9)
    axes = normal.plot("quantile").axes[0]
    u, quantiles = axes.lines[1].get_data()
    np.testing.assert_allclose(quantiles, theirs.ppf(u), rtol=1e-9)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("probability up to it", "y")


def test_the_band_of_tied_rows_holds_their_share() -> None:
    counts = np.array([0] * 60 + [1] * 25 + [2] * 15)
    (rows, *_) = kl.fit(kl.Poisson(), counts).plot("cdf").axes[0].collections
    corners = rows.get_paths()[0].vertices
    at_zero = corners[np.isclose(corners[:, 0], 0.0), 1]
    # of 100 rows: the bounds of the 60th smallest and of the 61st, each outside with p = 0.0021953
    # (tests/pictures/test_local_level.py)
    low = stats.beta(60, 41).ppf(0.0021953 / 2)
    high = stats.beta(61, 40).ppf(1.0 - 0.0021953 / 2)
    assert {round(v, 5) for v in (low, high)} <= set(at_zero.round(5).tolist())


@pytest.mark.parametrize("kind", ["density", "cdf", "survival", "quantile"])
def test_the_band_of_a_fitted_curve(kind: str) -> None:
    x = stats.gamma(2.0).rvs(30, random_state=np.random.default_rng(6))
    fit = kl.fit(kl.Gamma(), x)
    axes = fit.plot(kind, band=True).axes[0]
    assert legend(axes)[-2:] == ["Gamma", "95% band of each point"]
    corners = axes.collections[-1].get_paths()[0].vertices
    at = np.unique(corners[:, 0])
    expected = fit.band(kind, at)
    for k in range(5, at.size - 5, 40):
        ends = np.sort(corners[corners[:, 0] == at[k], 1])[[0, -1]]
        np.testing.assert_allclose(ends, [expected.lower[k], expected.upper[k]], rtol=1e-6)


def test_an_unknown_band_says_so() -> None:
    axes = kl.fit(kl.Uniform(), [0.1, 0.4, 0.9]).plot("density", band=True).axes[0]
    assert legend(axes)[-1] == "95% band of each point is unknown"


def test_many_counts_are_drawn_over_their_rows() -> None:
    x = stats.nbinom(0.5, 0.005).rvs(400, random_state=np.random.default_rng(7))
    axes = kl.fit(kl.NegativeBinomial(), x).plot("density").axes[0]
    heights, edges, _ = axes.patches[0].get_data()
    width = np.diff(edges)[0]
    assert width == round(width)
    inside = (x > edges[0]) & (x < edges[-1])
    assert float(heights.sum() * width) == pytest.approx(inside.mean(), rel=1e-12)


def test_an_infinite_density_leaves_room_for_the_rest() -> None:
    x = stats.beta(0.5, 0.4).rvs(300, random_state=np.random.default_rng(8))
    axes = kl.fit(kl.Beta(), x).plot("density").axes[0]
    tallest = float(axes.patches[0].get_data()[0].max())
    assert tallest < axes.get_ylim()[1] < 4.0 * tallest


def test_weighted_rows_are_drawn_by_their_weight() -> None:
    data = {"x": np.array([1.0, 2.0, 4.0]), "n": np.array([1.0, 3.0, 2.0])}
    fit = kl.fit(kl.Exponential(), data, "x", weights="n")
    steps = fit.plot("cdf").axes[0].lines[0]
    shares = np.asarray(steps.get_ydata())[::2]  # of two corners a step
    np.testing.assert_allclose(shares, [0.0, 1 / 6, 4 / 6, 1.0, 1.0])


def test_several_fits_are_told_apart_by_colour_and_dashes(danish: np.ndarray) -> None:
    fits = [kl.fit(model, danish) for model in (kl.LogNormal(), kl.Gamma(), kl.Weibull())]
    figure = kl.plot(fits)
    assert figure.get_suptitle() == "3 distributions fitted to 2,167 rows"
    axes = figure.axes[0]
    assert legend(axes) == ["rows", "LogNormal", "Gamma", "Weibull"]
    assert len({line.get_color() for line in axes.lines}) == 3
    assert len({line.get_linestyle() for line in axes.lines}) == 3
    over = [line.get_zorder() for line in axes.lines]
    assert over == sorted(over, reverse=True), "the first one lies above the others"


def test_one_picture_on_given_axes(normal: kl.Fit) -> None:
    figure, axes = matplotlib.pyplot.subplots()
    assert normal.plot("qq", ax=axes) is figure
    assert axes.get_ylabel() == "y"
    matplotlib.pyplot.close(figure)


def test_names_of_columns_are_text() -> None:
    data = {r"$\frac{1}{0}$": np.random.default_rng(5).normal(size=20)}
    figure = kl.fit(kl.Normal(), data).plot("density")
    figure.draw_without_rendering()  # raises where a name is read as a formula
    assert figure.axes[0].get_xlabel() == r"\$\frac{1}{0}\$"


def test_what_cannot_be_drawn_is_refused(normal: kl.Fit, tmp_path: Path) -> None:
    with pytest.raises(kl.KullbackError, match=r"kind must be one of 'density', .*, got 'hist'"):
        normal.plot("hist")
    with pytest.raises(kl.KullbackError, match=r"kl\.plot takes fits, .*, got Nor"):
        kl.plot(kl.Normal())
    with pytest.raises(kl.KullbackError, match="got an empty list"):
        kl.plot([])
    with pytest.raises(kl.KullbackError, match=r"band=True shades 'density', .*, got kind='qq'"):
        normal.plot("qq", band=True)
    with pytest.raises(kl.KullbackError, match="a band is of one distribution of numbers"):
        kl.fit(kl.Categorical(), ["a", "b"]).plot(band=True)
    line = kl.fit(kl.Normal(loc=Linear(("z",))), {"z": [1.0, 2.0, 3.0], "y": [1.0, 3.0, 2.0]}, "y")
    with pytest.raises(kl.KullbackError, match="one distribution, but that of Normal depends on z"):
        line.plot("density")
    with pytest.raises(kl.KullbackError, match="ax takes one picture: give its kind"):
        normal.plot(ax=object())
    other = kl.fit(kl.Normal(), {"loss": [1.0, 2.0, 4.0]})
    with pytest.raises(
        kl.KullbackError, match=r"one figure shows fits of one outcome, .* \"loss\""
    ):
        kl.plot([normal, other])
    normal.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    with pytest.raises(kl.KullbackError, match="kind='qq' draws rows, but this fit does not"):
        loaded.plot("qq")
    assert [axes.get_title(loc="left") for axes in loaded.plot().axes] == [
        "Density",
        "Distribution function",
    ]
