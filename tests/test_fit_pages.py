"""The page of a fit in a browser: what it shows for each kind of fit; names stay text."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import jax.numpy as jnp
import matplotlib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

import kullback as kl
from kullback._core.domains import POSITIVE
from kullback.data import Chunk, Exact, RowKind
from kullback.data.sample import ChunkSample
from kullback.models.linear import Linear
from kullback.objective.log_terms import log_term

matplotlib.use("agg")

X = np.random.default_rng(1).exponential(3.0, 200)
SCRIPT, IMAGE, LONG = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "n" * 300
MIRRORED = "שלום \u202eabc"


@final
@dataclass(frozen=True)
class RightCensored(RowKind):
    """The outcome is above ``time``."""

    fields: ClassVar[tuple[str, ...]] = ("time",)
    description: ClassVar[str] = "right-censored"

    def ends(self, fields):
        return fields["time"], np.full_like(fields["time"], np.inf)


@log_term.register
def _(kind: RightCensored, model, parameters, row):  # noqa: ARG001
    return model.row_log_survival(row["time"], parameters)


class Plain(kl.Family):
    default_parameters: ClassVar[Mapping[str, Any]] = {"rate": POSITIVE}
    support = POSITIVE

    @staticmethod
    def _log_density(x, rate):
        return jnp.log(rate) - rate * x

    @staticmethod
    def _starts(values, weights):
        return [{"rate": 1.0 / float(np.average(values, weights=weights))}]


Plain.__name__ = SCRIPT


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fits")
    exact = kl.fit(kl.Exponential(), {"loss": X}, "loss")
    exact.save(folder / "fit.json")
    streamed = folder / f"{IMAGE.replace('/', '')}.parquet"
    pq.write_table(pa.table({"$x$": X}), streamed)
    cut = (Chunk(Exact(), {"y": X[X < 4.0]}), Chunk(RightCensored(), {"time": X[X >= 4.0]}))
    table = {"y": X, "z": np.sin(np.arange(200.0)), SCRIPT: np.cos(np.arange(200.0))}
    bins = {"from": [0.0, 1.0, 3.0, 7.0], SCRIPT: [1.0, 3.0, 7.0, np.inf], "n": [9, 20, 30, 7]}
    late = {"y": X + 1.0, "entry": 1.0 - 0.5 * (np.arange(200) % 2)}
    groups = {**table, "group": np.array(["a", IMAGE, "$c$"])[np.arange(200) % 3]}
    groups["seen"] = np.arange(200) % 5 > 0
    counts = np.random.default_rng(2).poisson(3.0, 150)
    return {
        "exact": exact,
        "counts": kl.fit(kl.Poisson(), {SCRIPT: counts}, SCRIPT),
        "weighted": kl.fit(kl.Normal(loc=1.0), {LONG: X, "w": 1.0 + X.round()}, LONG, weights="w"),
        "streamed": kl.fit(kl.Exponential(), str(streamed), "$x$", engine=kl.StreamingEngine),
        "censored": kl.fit(kl.Exponential(), ChunkSample(cut)),
        "intervals": kl.fit(kl.Weibull(), bins, ("from", SCRIPT), weights="n"),
        "delayed": kl.fit(kl.Exponential(), late, "y", truncation=("entry", None)),
        "unbounded": kl.fit(kl.NegativeBinomial(), {MIRRORED: [1, 2, 2, 3, 2]}, MIRRORED),
        "loaded": kl.load(folder / "fit.json"),
        "linear": kl.fit(kl.Exponential(rate=Linear(("z", SCRIPT))), table, "y"),
        "regression": kl.fit(kl.Weibull(scale="~ z + group"), groups, "y", event="seen"),
        "classes": kl.fit(kl.Categorical(logits="~ z"), groups, "group"),
        "labels": kl.fit(kl.Categorical(), [SCRIPT, IMAGE, "$x$", LONG, MIRRORED] * 4),
        "own": kl.fit(Plain(), X, keep_data=False),
    }


@pytest.fixture(scope="module")
def pages(fits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    models = {"Exponential": kl.Exponential(), SCRIPT: kl.Exponential(rate=0.1)}
    comparison = kl.compare(models, {"loss": X}, "loss", folds=2)
    for name, fit in fits.items():
        fit.report(folder / f"{name}.html", comparison=comparison if name == "exact" else None)
    return folder


@pytest.fixture
def show(open_page, pages):
    return lambda name: open_page(pages / f"{name}.html")


@pytest.fixture
def read(pages):
    """The text of a page, as a reader who sees its tables line by line."""

    def shown(name):
        source = (pages / f"{name}.html").read_text(encoding="utf-8").partition("<main>")[2]
        text = html.unescape(re.sub(r"<[^>]*>", "", source))
        return re.sub(r"\s+", " ", text)

    return shown


NAMES = (
    "exact",
    "counts",
    "weighted",
    "censored",
    "intervals",
    "unbounded",
    "linear",
    "labels",
    "regression",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_readable_and_accessible(show, check_page, name):
    page = show(name)
    assert page.locator("script, iframe, link, img").count() == 0
    for width in (360, 1280):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            check_page(page)
    page.close()


def test_the_numbers_are_those_of_scipy(read):
    text, n, mean = read("exact"), X.size, X.mean()
    loss = -stats.expon(scale=mean).logpdf(X).mean()
    assert f"cross-entropy of {loss:.4f} nats a row" in text
    assert f" rate{1 / mean:.6g}{1 / mean / n**0.5:.4g}" in text
    assert f"log-likelihood{-n * loss:,.6f}" in text
    assert f"AIC{2 + 2 * n * loss:,.4f}" in text
    assert f"BIC{np.log(n) + 2 * n * loss:,.4f}" in text
    titles = ["Density", "Distribution function", "Quantiles (Q–Q)", "Probabilities (P–P)"]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    assert "The fit converged" in text
    assert f"Kullback {kl.__version__}" in text
    assert "Exponential distribution: q(x) = rate e^(−rate x), x ≥ 0." in text


def test_the_entropy_of_counts_is_exact(read):
    text = read("counts")
    counts = np.random.default_rng(2).poisson(3.0, 150)
    entropy = stats.entropy(np.unique(counts, return_counts=True)[1])
    loss = -stats.poisson(counts.mean()).logpmf(counts).mean()
    assert f"The rows themselves have an entropy of {entropy:.4f} nats" in text
    assert f"{loss - entropy:.4f} nats, is the relative entropy" in text


def test_the_deviance_of_a_regression_is_shown(fits, read):
    deviance = fits["regression"].deviance()
    text = read("regression")
    assert "From the null model to the saturated one" in text
    assert f"null model{deviance.null:.6f}" in text  # cells of one row
    assert f"Cox and Snell's R²{deviance.cox_snell:.4f}" in text
    assert "From the null model" not in read("exact")


def test_units(fits, tmp_path):
    fits["counts"].report(tmp_path / "bits.html", unit="bits")
    text = (tmp_path / "bits.html").read_text()
    assert f"{fits['counts'].cross_entropy / np.log(2.0):.4f} bits" in text
    with pytest.raises(kl.KullbackError, match="nit"):
        fits["counts"].report(tmp_path / "nit.html", unit="nit")


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("weighted", ["a row of weight k counts as k rows; total weight", "fixed at 1.0"]),
        ("streamed", ["(1 row group)"]),
        (
            "censored",
            [
                "200; 148 exact and 52 right-censored",
                "The rows are drawn by the Kaplan–Meier estimate of their distribution. The grey",
                "all points together, but not at the ends",
                "is not estimated: 52 of 200 rows are right-censored",
                "event=...",
            ],
        ),
        (
            "intervals",
            [
                "Weibull fitted to from–<script>",
                "4; 1 right-censored and 3 interval-censored",
                "Turnbull estimate of their distribution, dotted where they do not say how it runs",
                "each point by itself",
                f"kl.fit(kl.Weibull(), data, ('from', '{SCRIPT}'), weights=...)",
            ],
        ),
        (
            "delayed",
            [
                "all are truncated above the fitted probability of lower outcomes",
                "200 rows are left-truncated",
                "kl.fit(kl.Exponential(), data, 'y', truncation=...)",
            ],
        ),
        ("unbounded", ["NOT CONVERGED:", "The estimates are not a maximum of the likelihood"]),
        ("loaded", ["The rows are not drawn, nor Q–Q and P–P: this fit does not have them"]),
        (
            "linear",
            [
                "Effect of z",
                f"Effect of {SCRIPT}",
                "Residuals",
                "Worm plot",
                "Coefficients of rate",
                f"a function of z, {SCRIPT}",
                "the other columns at their mean",
                "Quantile residuals of the right model are standard normal",
            ],
        ),
        (
            "regression",
            [
                "linear, '~ z + group'",
                "40 of 200 rows are right-censored",
                "Effect of group",
                "triangles point to where a censored outcome lies",
                "kl.fit(kl.Weibull(scale='~ z + group'), data, 'y', event=...)",
            ],
        ),
        ("classes", ["Effect of z", "Residuals not drawn: residuals are of numbers"]),
        ("own", ["not drawn"]),
    ],
)
def test_what_is_special_is_said(read, name, sentences):
    for sentence in sentences:
        assert sentence in read(name)


def test_a_fit_that_did_not_converge_says_so_at_the_top(read):
    assert read("unbounded").partition("What was fitted")[0].count("NOT CONVERGED: ") == 1
    assert "NOT CONVERGED" not in read("exact")


def test_names_stay_text(read, show):
    for name, shown in (
        ("counts", SCRIPT), ("weighted", LONG), ("streamed", "$x$"), ("linear", SCRIPT),
        ("streamed", IMAGE.replace("/", "")), ("labels", SCRIPT), ("labels", IMAGE),
        ("labels", "$x$"), ("labels", LONG), ("own", SCRIPT), ("unbounded", r"שלום \u202eabc"),
    ):  # fmt: skip
        assert shown in read(name)
    page = show("labels")
    drawn, text = page.locator("svg").first.text_content(), page.locator("main").inner_text()
    page.close()
    assert all(name in drawn for name in (SCRIPT, IMAGE, "$x$"))
    assert all(name in text for name in (SCRIPT, IMAGE, "$x$", LONG))
    assert LONG not in drawn  # it has no room


def test_a_comparison_is_shown_and_drawn(pages, read):
    text = read("exact")
    assert "2 models of column" in text
    assert SCRIPT in text
    assert (pages / "exact.html").read_text().count("<svg") == 5
    assert "Comparison" not in read("counts")


def test_the_call_runs(pages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"loss": X, "n": np.ones(200)}), "losses.parquet")
    model = kl.Normal(loc=kl.Param(lower=-1e9, start=1.0), scale=2.0)
    fit = kl.fit(model, "losses.parquet", "loss")
    fit.report("page.html")
    code = (tmp_path / "page.html").read_text().partition("<code>import")[2].partition("</code>")[0]
    names: dict[str, Any] = {}
    exec("import" + html.unescape(code), names)
    assert names["fit"] == fit
    assert "kl.Exponential(), data, &#39;loss&#39;)" in (pages / "exact.html").read_text()
    assert "data = ...  # a dict of arrays" in (pages / "exact.html").read_text()


def test_only_pages_are_replaced(fits, tmp_path):
    fit, path = fits["linear"], tmp_path / "page.html"
    fit.report(path)
    fit.report(path)
    assert path.read_text().count("<h1>") == 1
    path.write_text("a letter")
    with pytest.raises(kl.KullbackError, match=r"page.html exists and is not a page that Kullback"):
        fit.report(path)
    assert path.read_text() == "a letter"
    for wrong in (tmp_path, tmp_path / "no" / "page.html"):
        with pytest.raises(kl.KullbackError, match="cannot be written"):
            fit.report(wrong)
    with pytest.raises(kl.KullbackError, match="comparison must be a result of this library"):
        fit.report(path, comparison=[fit])


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def test_the_command_writes_the_page(run, folder):
    (folder / "a.csv").write_text("loss\n" + "\n".join(map(str, X)))
    code, _, error = run("fit", "a.csv", "--model", "exponential", "--report", "a.html")
    assert (code, error) == (0, "")
    assert "<h1>Exponential fitted to <bdi>loss</bdi></h1>" in (folder / "a.html").read_text()
    code, _, error = run("fit", "a.csv", "--model", "exponential", "--report", "a.csv")
    assert code == 2
    assert "a.csv exists and is not a page that Kullback wrote" in error
