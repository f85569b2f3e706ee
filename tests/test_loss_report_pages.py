"""The page and the figures of a loss report: their contents; names in the data stay text."""

import io

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
def visit(browser, report, tmp_path):
    """Open the page; record its requests, errors and dialogs."""
    file = tmp_path / "report.html"
    report.report(file)

    def opened(**options):
        page = browser.new_page(**options)
        page.complaints, page.loads = [], []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("request", lambda request: page.loads.append(request.url))
        page.on("dialog", lambda dialog: (page.complaints.append("a dialog"), dialog.dismiss()))
        page.goto(file.as_uri())
        return page

    return opened


def test_the_page_has_the_numbers_and_keeps_names_as_text(report, tmp_path):
    report.report(tmp_path / "out.html")
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert page == loss_report_html(report)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert f"{float(report.to('nats').cross_entropy):.4f}" in page
    assert f"{float(report.to('bits').cross_entropy):.4f}" in page
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


def test_the_page_loads_nothing_and_shows_names_as_text(visit):
    page = visit()
    assert [url for url in page.loads if not url.startswith(("file:", "data:"))] == []
    assert page.complaints == []
    assert page.locator("script, iframe, b, link").count() == 0
    assert HOSTILE in page.locator("body").inner_text()
    assert "<b>left</b>" in page.locator("body").inner_text()
    for picture in page.locator("img").all():  # drawn, and with a description
        assert picture.evaluate("(image) => image.naturalWidth") > 100
        assert len(picture.get_attribute("alt")) > 20


@pytest.mark.parametrize("width", [360, 800])
def test_nothing_overflows_a_narrow_page(visit, width):
    page = visit(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # wider content scrolls in a labelled box that the keyboard reaches
    boxes = page.locator(".wide")
    assert boxes.count() >= 5
    for box in boxes.all():
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")


def test_it_follows_the_reader_s_colour_scheme(visit):
    def brightness(scheme):
        page = visit(color_scheme=scheme)
        rgb = "(name) => getComputedStyle(document.documentElement)[name].match(/[0-9.]+/g)"
        back, text = (page.evaluate(rgb, name) for name in ("backgroundColor", "color"))
        return [sum(map(float, color[:3])) / 3 for color in (back, text)]

    (back, text), (dark_back, dark_text) = brightness("light"), brightness("dark")
    assert back > 230 > 60 > text
    assert dark_back < 40 < 200 < dark_text


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
