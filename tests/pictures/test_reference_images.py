"""Every kind of picture against a reference image, and what is written on it.

The images in reference/ were looked at. They are drawn at 60 dots an inch in DejaVu Sans, which
matplotlib brings along, and compared with a tolerance of 4 (of 255; the root of the mean square
over all pixels): other versions of FreeType and Agg draw the edges of letters and lines a little
differently, and the last test says how much a curve is. To draw them anew, see CONTRIBUTING.md.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.style
import numpy as np
import pytest
from matplotlib.testing.compare import calculate_rms
from PIL import Image
from scipy import stats

import kullback as kl
from kullback.pictures.fit_figure import fit_figure
from kullback.pictures.training_figure import training_figure

REFERENCE = Path(__file__).parent / "reference"
TOLERANCE = 4
DOTS = 60

# Samples are quantiles, so that no generator of random numbers changes them.
U = (np.arange(80) + 0.5) / 80
LOSSES = {"loss, <b>$1": stats.lognorm(1.2, scale=5.0).ppf(U)}
TIMES = {"hours": stats.weibull_min(1.5, scale=100.0).ppf(U)}
CLAIMS = {"claims": np.repeat([0, 1, 2, 3, 4, 5, 7], [46, 12, 9, 6, 4, 2, 1])}
# Every third of these is right-censored; or looked at every 15 to 25 hours.
FAILED = np.arange(80) % 3 != 1
CENSORED = {"hours": TIMES["hours"] * np.where(FAILED, 1.0, 0.6), "failed": FAILED}
VISITS = np.floor(TIMES["hours"] / 15.0) * 15.0
LOOKED = {"after": np.where(FAILED, VISITS, 45.0), "by": np.where(FAILED, VISITS + 15.0, np.inf)}
LOOKED["by"] += np.where(FAILED, 10.0 * (np.arange(80) % 2), 0.0)
BELOW = {"lead": np.maximum(LOSSES["loss, <b>$1"], 2.0), "how": np.where(U < 0.2, -1, 1)}
DELAYED = {"age": TIMES["hours"] + 20.0, "entry": 20.0 + 12.0 * (np.arange(80) % 4)}
DELAYED = {name: column[TIMES["hours"] > 36.0] for name, column in DELAYED.items()}
KINDS = {"kind": ["a", "b$", "<i>c</i>"] * 3 + ["a"] * 5 + ["b$"] * 2}

# A column in another order than the quantiles, groups, and regions with long names, all of one
# beginning.
PLACE = (37 * np.arange(80)) % 80
SCORE = 5.0 + 0.1 * PLACE
SIDE = np.array(["left", "right"])[PLACE // 3 % 2]
REGION = np.array([f"a region with a long name, number {k}" for k in range(14)])[PLACE % 14]
COLUMNS = {"score": SCORE, "side": SIDE, "region": REGION}
ETA = 0.2 * SCORE + 0.5 * (SIDE == "right")
LINE = {**COLUMNS, "price": 40.0 * ETA + stats.norm(0.0, 12.0).ppf(U)}
HOURS_OF = {**COLUMNS, "hours": np.exp(ETA) * stats.weibull_min(1.5).ppf(U), "failed": FAILED}
COUNTED = {**COLUMNS, "count": stats.poisson(np.exp(0.5 * ETA)).ppf(U)}
WHICH = np.clip(np.floor((SCORE - 5.0) / 2.7 + 3.0 * (U - 0.5)), 0.0, 2.0).astype(int)
CHOSEN = {"score": SCORE, "choice": np.array(["bus", "car", "train"])[WHICH]}


@cache
def regression(name: str) -> kl.Fit:
    models = {
        "line": (kl.Normal(loc="~ score + side", scale="~ score"), LINE, "price", None),
        "hours": (kl.Weibull(scale="~ score + side"), HOURS_OF, "hours", "failed"),
        "count": (kl.Poisson(rate="~ score + region"), COUNTED, "count", None),
        "choice": (kl.Categorical(logits="~ score"), CHOSEN, "choice", None),
    }
    model, data, y, event = models[name]
    return kl.fit(model, data, y, event=event)


@cache
def fitted(name: str) -> kl.Fit:
    censored = {
        "censored": (kl.Weibull(), CENSORED, "hours", {"event": "failed"}),
        "intervals": (kl.Weibull(), LOOKED, ("after", "by"), {}),
        "below": (kl.LogNormal(), BELOW, "lead", {"event": "how"}),
        "delayed": (kl.Gamma(), DELAYED, "age", {"truncation": ("entry", None)}),
    }
    if name in censored:
        model, data, y, how = censored[name]
        return kl.fit(model, data, y, **how)
    models = {
        "lognormal": (kl.LogNormal(), LOSSES),
        "gamma": (kl.Gamma(), LOSSES),
        "weibull": (kl.Weibull(), TIMES),
        "exponential": (kl.Exponential(), TIMES),
        "negative binomial": (kl.NegativeBinomial(), CLAIMS),
        "poisson": (kl.Poisson(), CLAIMS),
        "classes": (kl.Categorical(), KINDS),
    }
    return kl.fit(*models[name])


def _training() -> Any:
    losses = [(1.4, 1.2), (1.1, 1.0), (0.9, 0.85), (0.8, 0.81), (0.7, 0.83)]
    history = [
        SimpleNamespace(number=k, training=t, refined=r) for k, (t, r) in enumerate(losses, 1)
    ]
    form = SimpleNamespace(name="Categorical")
    fit: Any = SimpleNamespace(history=history, baseline=1.3, best=4, form=form, rows=1_000)
    return training_figure(fit, "bits")


def _loss_report() -> Any:
    first = np.round(0.05 + 0.9 * U, 3)
    labels = ["yes, $1" if (7 * k) % 80 < 80 * p else "no" for k, p in enumerate(first)]
    shares = np.stack([first, 1.0 - first], axis=1)
    return kl.evaluate(shares, None, labels, classes=["yes, $1", "no"], seed=1).plot()


HOURS, LOSS = "hours", r"loss, <b>\$1"
BEFORE = ["rows, 95% band", "Weibull", "95% band of each point"]

KM, TURNBULL = "Kaplan–Meier estimate", "Turnbull estimate"

# By picture: how it is drawn; the titles; the labels of the axes; the texts of the legends.
PICTURES: dict[str, tuple[Callable[[], Any], list[str], list[str], list[str]]] = {
    "fit": (
        lambda: fitted("lognormal").plot(),
        [
            "LogNormal fitted to 80 rows",
            "Density",
            "Distribution function",
            "Quantiles against quantiles",
            "Probabilities against probabilities",
        ],
        [
            *(LOSS, "density of the logarithm", LOSS, "probability up to it"),
            *("quantile of the distribution", LOSS),
            *("probability by the distribution", "share of the rows"),
        ],
        [
            *("rows", "LogNormal", "rows, 95% band", "LogNormal"),
            *("95% band", "LogNormal", "95% band", "LogNormal"),
        ],
    ),
    "censored": (
        lambda: fitted("censored").plot(),
        [
            "Weibull fitted to 80 rows, 27 of them right-censored",
            "Density",
            "Distribution function",
            "Quantiles against quantiles",
            "Probabilities against probabilities",
        ],
        [
            *("hours", "density", "hours", "probability up to it"),
            *("quantile of the distribution", "hours"),
            *("probability by the distribution", "share of the rows"),
        ],
        [KM, "Weibull", *(f"{KM}, 95% band", "Weibull") * 3],
    ),
    "censored_hazard": (
        lambda: fitted("censored").plot("hazard"),
        ["Weibull fitted to 80 rows, 27 of them right-censored"],
        ["hours", "hazard"],
        [KM, "Weibull"],
    ),
    "censored_paper": (
        lambda: fitted("below").plot("paper"),
        ["LogNormal fitted to 80 rows, 16 of them left-censored"],
        ["lead", "probability up to it, LogNormal scale"],
        [f"{KM}, 95% band", KM, "LogNormal"],
    ),
    "intervals_cdf": (
        lambda: fitted("intervals").plot("cdf"),
        ["Weibull fitted to 80 rows, 53 of them interval-censored and 27\nright-censored"],
        ["after–by", "probability up to it"],
        [f"{TURNBULL}, 95% band of each point", "Weibull"],
    ),
    "intervals_density": (
        lambda: fitted("intervals").plot("density"),
        ["Weibull fitted to 80 rows, 53 of them interval-censored and 27\nright-censored"],
        ["after–by", "density"],
        [TURNBULL, "Weibull"],
    ),
    "delayed_survival": (
        lambda: fitted("delayed").plot("survival"),
        ["Gamma fitted to 64 rows, all left-truncated"],
        ["age", "probability beyond it"],
        [f"{KM} above 20,\n95% band", "Gamma"],
    ),
    "empirical": (
        lambda: kl.empirical(CENSORED, "hours", event="failed").plot("survival"),
        ["Kaplan–Meier estimate of 80 rows (53 exact and 27 right-censored)"],
        ["hours", "probability beyond it"],
        [f"{KM}, 95% band of each point"],
    ),
    "several": (
        lambda: kl.plot([fitted("lognormal"), fitted("gamma")], "density"),
        ["2 distributions fitted to 80 rows"],
        [LOSS, "density of the logarithm"],
        ["rows", "LogNormal", "Gamma"],
    ),
    "runners_up": (
        lambda: fit_figure([fitted("weibull"), fitted("exponential")], "cdf", muted=[False, True]),
        ["2 distributions fitted to 80 rows"],
        [HOURS, "probability up to it"],
        ["rows, 95% band", "Weibull", "Exponential"],
    ),
    "density_band": (
        lambda: fitted("weibull").plot("density", band=True),
        ["Weibull fitted to 80 rows"],
        [HOURS, "density"],
        ["rows", "Weibull", "95% band of each point"],
    ),
    "survival_band": (
        lambda: fitted("weibull").plot("survival", band=True),
        ["Weibull fitted to 80 rows"],
        [HOURS, "probability beyond it"],
        BEFORE,
    ),
    "quantile_band": (
        lambda: fitted("weibull").plot("quantile", band=True),
        ["Weibull fitted to 80 rows"],
        ["probability up to it", HOURS],
        BEFORE,
    ),
    "qq": (
        lambda: kl.plot([fitted("weibull"), fitted("exponential")], "qq"),
        ["2 distributions fitted to 80 rows"],
        ["quantile of the distribution", HOURS],
        ["95% band", "Weibull", "Exponential"],
    ),
    "pp": (
        lambda: fitted("negative binomial").plot("pp"),
        ["NegativeBinomial fitted to 80 rows"],
        ["probability by the distribution", "share of the rows"],
        ["95% band", "NegativeBinomial"],
    ),
    "paper": (
        lambda: fitted("weibull").plot("paper"),
        ["Weibull fitted to 80 rows"],
        [HOURS, "probability up to it, Weibull scale"],
        ["95% band", "rows", "Weibull"],
    ),
    "counts": (
        lambda: kl.plot([fitted("negative binomial"), fitted("poisson")], "density"),
        ["2 distributions fitted to 80 rows"],
        ["claims", "probability"],
        ["NegativeBinomial", "Poisson", "rows"],
    ),
    "classes": (
        lambda: fitted("classes").plot(),
        ["Categorical fitted to 16 rows"],
        ["probability", "kind"],
        [],
    ),
    "likelihood": (
        lambda: fitted("weibull").plot("likelihood"),
        ["Likelihood of Weibull fitted to 80 rows"],
        ["shape", "scale"],
        ["Wald region, 95%", "estimate"],
    ),
    "profile": (
        lambda: fitted("weibull").plot("likelihood", parameters=["shape"]),
        ["Profile likelihood of Weibull fitted to 80 rows"],
        ["shape", "log-likelihood below its maximum, nats"],
        ["profile log-likelihood", "Wald approximation", "estimate"],
    ),
    "regression": (
        lambda: regression("line").plot(),
        ["Normal fitted to 80 rows", "Residuals"],
        [
            *("score", "mean of price", "side", "mean of price"),
            *("normal quantile", "quantile residual"),
        ],
        [],
    ),
    "effects_censored": (
        lambda: regression("hours").plot("effects"),
        ["Weibull fitted to 80 rows, 27 of them right-censored"],
        ["score", "median of hours", "side", "median of hours"],
        [],
    ),
    "effects_levels": (
        lambda: regression("count").plot("effects"),
        ["Poisson fitted to 80 rows"],
        ["score", "mean of count", "mean of count", "region (2 rarer ones not drawn)"],
        [],
    ),
    "effects_classes": (
        lambda: regression("choice").plot("effects"),
        ["Categorical fitted to 80 rows"],
        ["score", "probability"],
        ["bus", "car", "train"],
    ),
    "coefficients": (
        lambda: regression("line").plot("coefficients"),
        ["Normal fitted to 80 rows, 95% intervals", "loc", "scale"],
        ["coefficient", "coefficient"],
        [],
    ),
    "coefficients_ratios": (
        lambda: regression("count").plot("coefficients", exponentiate=True),
        ["Poisson fitted to 80 rows, 95% intervals", "rate"],
        ["exp(coefficient)"],
        [],
    ),
    "residuals": (
        lambda: regression("line").plot("residuals"),
        ["Normal fitted to 80 rows", "Residuals", "Worm plot of residuals"],
        [
            *("normal quantile", "quantile residual"),
            *("normal quantile", "quantile residual − normal quantile"),
        ],
        [],
    ),
    "training": (
        _training,
        ["Training of Categorical on 1,000 rows"],
        ["epoch", "cross-entropy, bits"],
        [
            "training (dropout and weights included)",
            "held out, calibrated",
            "baseline (class shares)",
            "weights used: epoch 4",
        ],
    ),
    "loss_report": (
        _loss_report,
        [
            "Reliability of the probabilities",
            "Decomposition of the label's entropy (dashed), nats",
            "Costliest classes, nats",
            "Cost of each row, nats",
        ],
        ["forecast probability", "observed frequency", "rows, largest loss first"],
        ["95 % band if calibrated", "all classes"],
    ),
}
every_picture = pytest.mark.parametrize("name", PICTURES)


@cache
def drawn(name: str) -> Any:
    with matplotlib.style.context("default", after_reset=True):
        return PICTURES[name][0]()


@every_picture
@pytest.mark.mpl_image_compare(
    baseline_dir="reference",
    style="default",
    tolerance=TOLERANCE,
    savefig_kwargs={"dpi": DOTS},
)
def test_picture(name: str) -> Any:
    return drawn(name)


@every_picture
def test_what_is_written(name: str) -> None:
    figure = drawn(name)
    _, titles, labels, legends = PICTURES[name]
    written = [figure.get_suptitle(), *(axes.get_title(loc="left") for axes in figure.axes)]
    assert [text for text in written if text] == titles
    on_axes = [label for a in figure.axes for label in (a.get_xlabel(), a.get_ylabel())]
    assert [text for text in on_axes if text] == labels
    found = [legend for a in figure.axes if (legend := a.get_legend()) is not None]
    assert [text.get_text() for legend in found for text in legend.get_texts()] == legends


@every_picture
def test_no_text_is_cut_off_or_too_small(name: str) -> None:
    figure = drawn(name)
    figure.draw_without_rendering()
    for axes in figure.axes:
        legend = axes.get_legend()
        texts = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        texts += [label for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels()]
        for text in [*texts, *([] if legend is None else legend.get_texts())]:
            if text.get_text() and text.get_visible():
                assert text.get_fontsize() >= 8.0, text  # points, in a figure as wide as a page
        box = axes.get_tightbbox()
        assert box.x0 > -1.0
        assert box.y0 > -1.0
        assert box.x1 < figure.bbox.x1 + 1.0
        assert box.y1 < figure.bbox.y1 + 1.0


def test_a_missing_curve_is_seen(tmp_path: Path) -> None:
    with matplotlib.style.context("default", after_reset=True):
        figure = kl.plot([fitted("weibull"), fitted("exponential")], "cdf")
        figure.axes[0].lines[-1].remove()
        figure.savefig(tmp_path / "without.png", dpi=DOTS)
        figure = kl.plot([fitted("weibull"), fitted("exponential")], "cdf")
        figure.savefig(tmp_path / "with.png", dpi=DOTS)
    one, other = (np.asarray(Image.open(tmp_path / f"{k}.png")) for k in ("without", "with"))
    assert calculate_rms(one[..., :3], other[..., :3]) > 1.5 * TOLERANCE
