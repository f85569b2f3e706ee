"""What results show at a prompt and in a notebook: short texts, small tables, figures, bars."""

import sys
import types
from html.parser import HTMLParser

import numpy as np
import pytest
import scipy.stats

import kullback as kl

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def fits():
    rng = np.random.default_rng(0)
    fit = kl.fit(kl.Gamma(), rng.gamma(2.0, 3.0, 300))
    labels = kl.fit(kl.Categorical(), rng.integers(0, 300, 3000).astype(str))
    return [fit, labels, fit.convergence, fit.summary(), fit.decomposition(), fit.entropy_estimate]


def distributions():
    return [kl.Gamma(), kl.Gamma(shape=2.0, rate=1.0), kl.Categorical(probabilities=[0.001] * 1000)]


def estimates():
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 9, size=(400, 2))
    return [
        kl.estimate_entropy(counts[:, 0]),
        kl.estimate_mutual_information(rng.normal(size=200), rng.normal(size=200)),
        kl.estimate_cross_entropy(kl.Gamma(shape=2.0, rate=1.0), rng.gamma(2.0, size=100)),
        kl.cross_entropy(np.full(9999, 1 / 9999), np.full(9999, 1 / 9999), explain=True),
        kl.cross_entropy([0.5, 0.5], [1.0, 0.0], explain=True, names=["a", HOSTILE]),
    ]


def losses():
    rng = np.random.default_rng(2)
    q = rng.dirichlet(np.ones(30), size=400)
    labels = [f"{HOSTILE}{rng.choice(30, p=row)}" for row in q]
    names = [f"{HOSTILE}{k}" for k in range(30)]
    report = kl.evaluate(q, {"side": rng.choice(2, 400)}, labels, classes=names, slices=["side"])
    worst = report.worst_rows(30)
    return [
        report,
        *(report.by_class, report.by_class[0], report.curves, report.curves[0], worst, worst[0]),
        *(report.recalibrations, report.recalibrations[0], report.slices["side"]),
    ]


def tables():
    rows = np.random.default_rng(4).exponential(size=60)
    table = {HOSTILE: rows, "side": [HOSTILE, "a"] * 30}
    groups = kl.fit(kl.Exponential(), table, HOSTILE, by="side")
    models = {HOSTILE: kl.Exponential(), "b": kl.Exponential(rate=1.0)}
    comparison = kl.compare(models, table, HOSTILE, folds=2)
    score = kl.estimate_cross_entropy(kl.Exponential(rate=1.0), table, HOSTILE)
    return [groups, groups["a"], comparison, comparison.best.summary(), score]


def training():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 2))
    y = (x[:, 0] > 0.0).astype(int)
    model = kl.Categorical(probabilities=kl.MLP((4,), members=1))
    fit = kl.fit(model, x, y, solver=kl.Minibatch(epochs=3))
    return [fit, fit.history, fit.history[0], fit.decomposition(), fit.convergence]


class Texts(HTMLParser):
    """The elements of a page, and the texts between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):  # the base class's names
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name not in ("class", "style")]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("results", [fits, distributions, estimates, losses, tables, training])
def test_results_are_short_texts_and_small_tables(results):
    for result in results():
        text, page = repr(result), result._repr_html_()
        # a screen of 30 lines; no line longer than a summary's notes
        assert len(text.splitlines()) <= 30, text
        assert max(map(len, text.splitlines())) <= 250, text
        assert "array(" not in text
        assert "\x1b" not in text + page
        shown = Texts(page)
        allowed = {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td"}
        assert "table" in shown.tags <= allowed
        assert len(page) < 12_000
        # the notebook's own colours, in light and dark
        assert "color" not in page
        assert "background" not in page


def test_names_are_shown_as_text():
    report, (groups, _, comparison, *_) = losses()[0], tables()
    for result, end in ((report.by_class, "0"), (groups, ""), (comparison, "")):
        shown = Texts(result._repr_html_())
        assert rf"<script>alert(1)</script>\x1b[31m{end}" in shown.texts
        assert "script" not in shown.tags


def test_a_long_list_counts_what_it_does_not_show():
    by_class = losses()[1]
    assert len(by_class) == 30
    assert repr(by_class).splitlines()[-1] == "and 10 more"
    assert "and 10 more" in by_class._repr_html_()
    assert by_class == tuple(by_class)


def test_the_tables_hold_the_numbers():
    rows = np.random.default_rng(0).gamma(2.0, 3.0, 300)
    fit = kl.fit(kl.Gamma(), rows)
    shape, _, scale = scipy.stats.gamma.fit(rows, floc=0.0)
    aic = 4.0 - 2.0 * scipy.stats.gamma(shape, scale=scale).logpdf(rows).sum()
    texts = Texts(fit._repr_html_()).texts
    assert f"{aic:,.4f}" in texts
    assert any(text.startswith(f"{shape:.4f}"[:4]) for text in texts)
    estimate = estimates()[0]
    assert f"{float(estimate):.6g}" in Texts(estimate._repr_html_()).texts


def test_a_figure_is_drawn_once_in_a_notebook():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure = losses()[0].plot()
    # IPython calls this method of a cell's last value; pyplot draws the figures that it knows
    assert figure._repr_png_().startswith(b"\x89PNG\r\n")
    assert pyplot.get_fignums() == []


def test_bars_are_plain_text_in_a_notebook(monkeypatch):
    outputs = []

    class Handle:
        def update(self, data, **_options):
            outputs.append(data)

    def display(data, **_options):
        outputs.append(data)
        return Handle()

    # the part of IPython that a notebook's kernel has without ipywidgets
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    there = types.ModuleType("IPython.display")
    there.display = display
    monkeypatch.setitem(sys.modules, "IPython.display", there)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    bar = kl.TrainingBar("bits", delay=0.0)
    with bar:
        bar._timer.join()
        bar(kl.Epoch(1, 0.7, 0.69, 0.68), 5, 0.6931471805599453)
    assert all(list(output) == ["text/plain"] for output in outputs)
    assert "compiling" in outputs[0]["text/plain"]
    last = outputs[-1]["text/plain"]
    assert "epoch 1 of 5" in last
    assert "held out 0.9810 bits" in last  # 0.68 / log 2
    assert "\x1b" not in last
