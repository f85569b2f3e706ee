"""The page and the figures of a loss report: their contents; names in the data stay text."""

import io
import re

import matplotlib
import numpy as np
import pytest

import kullback as kl
from kullback.report.loss_report_page import loss_report_html

matplotlib.use("agg")

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), size=300)
    labels = np.array([HOSTILE, "$x_", "plain"])[[rng.choice(3, p=row) for row in p]]
    table = {"side": np.where(rng.random(300) < 0.5, "<b>left</b>", "right")}
    names = [HOSTILE, "$x_", "plain"]
    return kl.evaluate(p, table, labels.tolist(), classes=names, slices=["side"])


@pytest.fixture
def visit(open_page, report, tmp_path):
    """Open the page."""
    report.report(tmp_path / "report.html")
    return lambda **options: open_page(tmp_path / "report.html", **options)


def test_the_page_has_the_numbers_and_keeps_names_as_text(report, tmp_path):
    report.report(tmp_path / "out.html")
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert page == loss_report_html(report)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert [file.name for file in tmp_path.iterdir()] == ["out.html"]


def test_an_impossible_label_is_reported():
    p = np.array([[1.0, 0.0], [0.5, 0.5]] * 20)
    report = kl.evaluate(p, None, [1] + [0] * 39)
    page = loss_report_html(report)
    assert "impossible" in page
    assert "+∞" in page


def test_the_figure_has_four_panels(report):
    assert len(report.plot().axes) == 4


def test_a_path_that_cannot_be_written_is_refused(report, tmp_path):
    with pytest.raises(kl.KullbackError, match="cannot be written"):
        report.report(tmp_path / "no" / "out.html")


def test_the_page_shows_names_as_text(visit):
    page = visit()
    assert page.locator("script, iframe, b, link, img").count() == 0
    assert HOSTILE in page.locator("body").inner_text()
    assert "<b>left</b>" in page.locator("body").inner_text()
    pictures = page.locator("svg[role=img]")
    assert pictures.count() == 4 + 3  # and a reliability curve of each class
    assert HOSTILE[:18] in page.locator("svg[role=img]").nth(2).text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_readable_and_accessible(visit, check_page, width, scheme):
    page = visit(viewport={"width": width, "height": 800}, color_scheme=scheme)
    check_page(page)
    assert page.locator(".wide").count() >= 5


def test_it_follows_the_reader_s_colour_scheme(visit):
    def brightness(scheme):
        page = visit(color_scheme=scheme)
        rgb = "(name) => getComputedStyle(document.documentElement)[name].match(/[0-9.]+/g)"
        back, text = (page.evaluate(rgb, name) for name in ("backgroundColor", "color"))
        return [sum(map(float, color[:3])) / 3 for color in (back, text)]

    (back, text), (dark_back, dark_text) = brightness("light"), brightness("dark")
    assert back > 230 > 60 > text
    assert dark_back < 40 < 200 < dark_text


@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_the_page_has_one_unit(report, unit):
    page = loss_report_html(report.to(unit))
    other = {"nats": "bits", "bits": "nats"}[unit]
    assert f"{float(report.to(unit).cross_entropy):.4f}" in page
    assert f"{float(report.to(other).cross_entropy):.4f}" not in page
    assert not re.search(rf"\b{other}\b", page)


def test_scores_and_confusion_are_those_of_scikit_learn(report):
    metrics = pytest.importorskip("sklearn.metrics")
    q, labels = report.probabilities, report.labels
    # in scikit-learn the score of several classes is the sum over all of them
    assert report.brier_score == pytest.approx(
        metrics.brier_score_loss(labels, q, labels=[0, 1, 2]), rel=1e-13
    )
    shares = np.broadcast_to(np.bincount(labels) / labels.size, q.shape)
    assert report.brier_baseline == pytest.approx(
        metrics.brier_score_loss(labels, shares, labels=[0, 1, 2]), rel=1e-13
    )
    expected = metrics.confusion_matrix(labels, q.argmax(axis=1))
    assert np.array_equal(report.confusion(), expected)
    page = loss_report_html(report)
    assert f"{report.brier_score:.4f}" in page
    for count in expected.ravel():
        assert f">{count}</td>" in page


def test_the_brier_score_of_votes_is_its_expectation():
    # by hand: a label drawn from (1/4, 3/4) under q = (0.4, 0.6) scores 0.25 · 0.72 + 0.75 · 0.32;
    # the second row (1, 0) under (0.5, 0.5) scores 0.5, with twice the weight
    report = kl.evaluate([[0.4, 0.6], [0.5, 0.5]], None, [[1, 3], [2, 0]], weights=[1.0, 2.0])
    assert report.brier_score == pytest.approx((0.42 + 2 * 0.5) / 3, rel=1e-14)


def test_the_costliest_rows_have_their_numbers_and_features(visit, report):
    page, row = visit(), report.worst_rows(1)[0]
    cells = page.locator("table").last.locator("tbody tr").first.locator("td").all_inner_texts()
    assert cells[0] == str(row.row)
    assert cells[-1] == report.features["side"][row.row] == row.features["side"]


def test_the_learning_curve_of_a_network_is_drawn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    y = (x[:, 0] > 0.0).astype(int)
    model = kl.Categorical(probabilities=kl.MLP((4,), members=1))
    fit = kl.fit(model, x, y, solver=kl.Minibatch(epochs=3))
    report = kl.evaluate(fit, x, y)
    assert report.history == fit.history
    page = loss_report_html(report)
    assert "Learning curve" in page
    best = min(fit.history, key=lambda epoch: epoch.refined).number
    assert f"lowest: epoch {best}" in page
    assert "Learning curve" not in loss_report_html(kl.evaluate(fit.predict_proba(x), None, y))


def test_of_many_classes_the_page_lists_the_pairs_that_are_confused():
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(20), 400)
    page = loss_report_html(kl.evaluate(q, None, [rng.choice(20, p=row) for row in q]))
    assert "confused most often" in page
    assert re.search(r"And \d+ more pairs", page)


def test_rows_with_the_largest_losses_have_labels_and_probabilities(report):
    rows = report.worst_rows(5)
    assert [row.row for row in rows] == list(report.worst(5))
    for row in rows:
        assert row.loss == pytest.approx(-np.log(row.probability), rel=1e-12)
        assert row.confidence >= row.probability
        assert row.label in report.classes


def test_the_terminal_shows_the_same_numbers(report):
    from rich.console import Console

    from kullback.report.loss_report_view import loss_report_view

    console = Console(width=120, record=True, file=io.StringIO())
    console.print(loss_report_view(report.to("bits")))
    text = console.export_text()
    assert f"{float(report.to('bits').cross_entropy):.4f}" in text
    assert HOSTILE in text
    assert "<b>left</b>" in text


def test_an_irreducible_loss_above_the_cross_entropy_is_reported():
    # labels drawn from q itself: the cross-entropy is the irreducible loss, and either estimate may
    # be larger
    notes = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        group = rng.integers(0, 4, 400)
        q = np.array([0.1, 0.3, 0.6, 0.9])[group]
        y = (rng.random(400) < q).astype(int)
        report = kl.evaluate(q, {"group": group}, y)
        if float(report.relative_entropy) <= 0.0:
            notes.add(report.relative_entropy_note)
            assert report.relative_entropy_note in str(report)
    assert notes == {"within two standard errors of zero"}
