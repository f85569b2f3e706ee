"""Figures of regressions: what they draw, by the numbers in matplotlib's artists; errors."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import kullback as kl

N = 200
RNG = np.random.default_rng(8)
X = RNG.uniform(0.0, 4.0, N)
SIDE = RNG.choice(["left", "right"], N)
DATA = {
    "x": X,
    "side": SIDE,
    "w": 1.0 + np.arange(N) % 3,
    "y": 1.0 + X + (SIDE == "left") + RNG.normal(size=N),
    "count": RNG.poisson(np.exp(0.3 * X)),
    "seen": np.arange(N) % 4 > 0,
}


@pytest.fixture(scope="module")
def line() -> kl.Fit:
    return kl.fit(kl.Normal(loc="~ x + side"), DATA, "y")


@pytest.fixture(scope="module")
def counts() -> kl.Fit:
    return kl.fit(kl.Poisson(rate="~ x + side"), DATA, "count")


def test_residuals_against_normal_quantiles(line: kl.Fit) -> None:
    qq, worm = line.plot("residuals").axes
    b = line.params["loc"]
    mean = b["Intercept"] + b["x"] * X + b["side[T.right]"] * (SIDE == "right")
    residuals = np.sort((DATA["y"] - mean) / line.params["scale"])
    normal = stats.norm.ppf((np.arange(N) + 0.5) / N)
    dots = qq.lines[-1]
    np.testing.assert_allclose(dots.get_xdata(), normal, rtol=1e-9)
    np.testing.assert_allclose(dots.get_ydata(), residuals, rtol=1e-9)
    np.testing.assert_allclose(worm.lines[-1].get_ydata(), residuals - normal, atol=1e-9)


def test_residuals_of_weighted_rows_count_as_often(line: kl.Fit) -> None:
    data = {name: np.asarray(values) for name, values in DATA.items()}
    data["x"] = np.where(np.arange(N) == 5, np.nan, data["x"])
    fit = kl.fit(kl.Normal(loc="~ x + side"), data, "y", weights="w", missing="drop")
    (axes,) = fit.plot("worm").axes
    assert axes.get_ylabel() == "quantile residual − normal quantile"  # none is missing
    found = axes.lines[-1].get_xdata()
    order = np.argsort(fit.residuals("quantile")[~np.isnan(data["x"])])
    w = np.delete(DATA["w"], 5)[order]
    np.testing.assert_allclose(found, stats.norm.ppf((np.cumsum(w) - 0.5 * w) / w.sum()), rtol=1e-9)
    assert line.plot("qq").axes[0].get_title(loc="left") == "Residuals"


def test_coefficients_and_their_ratios(counts: kl.Fit) -> None:
    b, ends = counts.params["rate"], counts.interval()["rate"]
    for ratio in (False, True):
        (axes,) = counts.plot("coefficients", exponentiate=ratio).axes
        assert [t.get_text() for t in axes.get_yticklabels()] == ["x", "side[T.right]"]
        (points, _, (bars,)) = axes.containers[0]
        f = np.exp if ratio else np.asarray
        np.testing.assert_allclose(points.get_xdata(), f([b["x"], b["side[T.right]"]]))
        first = np.asarray(bars.get_segments()[0])[:, 0]
        np.testing.assert_allclose(first, f(ends["x"]), rtol=1e-12)
        assert axes.get_xscale() == ("log" if ratio else "linear")


def test_a_link_that_is_no_logarithm_has_no_ratios() -> None:
    fit = kl.fit(kl.Zipf(exponent="~ x"), {"x": [0.0, 1.0] * 9, "y": [1, 2, 1, 1, 3, 1] * 3}, "y")
    with pytest.raises(kl.KullbackError, match="Zipf has none here"):  # an exponent is above 1
        fit.plot("coefficients", exponentiate=True)


def test_effects_over_the_rows(line: kl.Fit, counts: kl.Fit) -> None:
    for fit, y in ((line, "y"), (counts, "count")):
        along, beside = fit.plot("effects").axes
        effects = fit.partial_effects()
        curve = along.lines[-1]
        np.testing.assert_array_equal(curve.get_xdata(), effects["x"].at)
        np.testing.assert_array_equal(curve.get_ydata(), effects["x"].value)
        rows = along.lines[0]
        np.testing.assert_array_equal(rows.get_xdata(), X)
        np.testing.assert_array_equal(rows.get_ydata(), DATA[y])
        assert [t.get_text() for t in beside.get_xticklabels()] == ["left", "right"]


def test_the_largest_of_many_are_drawn_and_the_others_counted() -> None:
    levels = np.array([f"level {k:03d}" for k in range(322)])
    codes = np.concatenate([np.arange(322), np.repeat(np.arange(20, 32), 5)])
    many = {f"x{k:02d}": np.sin(np.arange(382.0) * (k + 1.0)) for k in range(13)}
    rest = RNG.normal(size=382) + 3.0 * many["x07"]
    data = {"level": levels[codes], "count": 1 + codes % 5, **many, "y": rest}
    fit = kl.fit(kl.Poisson(rate="~ level"), data, "count")
    (axes,) = fit.plot("effects").axes
    assert axes.get_ylabel() == "level (310 rarer ones not drawn)"
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        f"level {k:03d}" for k in range(20, 32)
    ]
    (axes,) = fit.plot("coefficients").axes
    assert axes.get_xlabel() == "coefficient (281 with smaller |z| not drawn)"
    fit = kl.fit(kl.Normal(loc="~ " + " + ".join(many)), data, "y")
    figure = fit.plot()
    assert "5 of 13 columns, those with the largest effects" in figure.get_supxlabel()
    assert "x07" in [axes.get_xlabel() for axes in figure.axes]


def test_axes_of_the_users(line: kl.Fit) -> None:
    import matplotlib.figure

    axes = matplotlib.figure.Figure().subplots()
    assert line.plot("worm", ax=axes) is axes.figure
    with pytest.raises(kl.KullbackError, match="this figure has 2"):
        line.plot("effects", ax=axes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "density"}, "depends on x, side: kind='effects', 'coefficients'"),
        ({"kind": "effect"}, "kind must be one of"),
        ({"kind": "effects", "exponentiate": True}, "exponentiate is for kind='coefficients'"),
        ({"kind": "coefficients", "exponentiate": True}, "Normal has none here"),
    ],
)
def test_what_a_regression_cannot_show(
    line: kl.Fit, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(kl.KullbackError, match=message):
        line.plot(**arguments)


def test_what_other_fits_cannot_show(line: kl.Fit, counts: kl.Fit, tmp_path: Any) -> None:
    plain = kl.fit(kl.Normal(), DATA, "y")
    for kind in ("effects", "coefficients"):
        with pytest.raises(kl.KullbackError, match="columns"):
            plain.plot(kind)
    assert len(plain.plot("residuals").axes) == 2  # which every fit has
    with pytest.raises(kl.KullbackError, match="draws one regression, got 2"):
        kl.plot([line, counts])
    line.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    assert len(loaded.plot("coefficients").axes) == 1
    with pytest.raises(kl.KullbackError, match="needs the rows"):
        loaded.plot()


def test_of_compared_regressions_the_best_is_drawn() -> None:
    models = {"both": kl.Poisson(rate="~ x + side"), "one": kl.Poisson(rate="~ side")}
    found = kl.compare(models, DATA, "count", criterion="aic")
    (best, _) = found.fits
    assert found.plot().get_suptitle() == "Poisson fitted to 200 rows"
    labels = [axes.get_xlabel() for axes in found.plot("effects").axes]
    assert labels == list(found.fits[best].form.columns)
    # of a distribution and regressions that are not better, the distribution alone
    one = {"plain": kl.Poisson(), "one": kl.Poisson(rate="~ side")}
    noise = {"side": SIDE, "count": np.tile([0, 1, 2, 1], N // 4)}
    found = kl.compare(one, noise, "count", criterion="bic")
    assert found.best.form.columns == ()
    assert found.plot("density").axes[0].get_legend_handles_labels()[1] == ["Poisson", "rows"]
