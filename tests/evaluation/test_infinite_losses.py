"""Rows whose label has probability 0: the decomposition of an infinite loss, and its figures."""

import io
import math

import numpy as np
import pytest
from rich.console import Console

from kullback.evaluation.evaluate import evaluate
from kullback.report.loss_report_page import loss_report_html
from kullback.report.loss_report_plots import not_drawn
from kullback.report.loss_report_view import loss_report_view


def certain_and_wrong(rows, classes, right=0):
    """Rows of each class in turn, certain of the next class; the last ones are right."""
    y = np.arange(rows) % classes
    said = (y + 1) % classes
    if right:
        said[-right:] = y[-right:]
    return np.eye(classes)[said], y


@pytest.mark.parametrize("right", [0, 1])
def test_a_classifier_that_is_always_wrong(right):
    # recalibrated monotonically, both forecasts become the share of the labels, 1/2: log 2
    q, y = certain_and_wrong(400, 2, right)
    report = evaluate(q, None, y)
    assert float(report.cross_entropy) == math.inf
    assert float(report.calibration) == math.inf
    assert report.calibration.interval == (math.inf, math.inf)
    # exactly log 2 where all are wrong: 160 of 320 training rows, and half a row on either side
    tolerance = 1e-12 if right == 0 else 0.01  # one row in 400 moves a share by less than 1/400
    assert float(report.refinement) == pytest.approx(math.log(2), abs=tolerance)
    assert report.calibration.method.startswith("isotonic")
    assert not any("refinement" in note for note in report.notes)
    assert any("temperature and vector scaling" in note for note in report.notes)
    assert [r.name for r in report.recalibrations] == ["none", "isotonic"]


def test_several_classes_votes_and_a_weight():
    # K classes, each row certain of the next one: a forecast of class k only rules k's rows out,
    # and a monotone map of each class's probability can but give its share, 1/K
    q, y = certain_and_wrong(600, 3)
    for labels in (y, 5 * np.eye(3)[y]):
        report = evaluate(q, None, labels, weights=np.where(np.arange(600) < 300, 1.0, 2.0))
        assert float(report.refinement) == pytest.approx(math.log(3), abs=0.01)
        assert float(report.calibration) == math.inf


def test_a_single_row_is_too_few_for_a_decomposition():
    for q in ([[1.0, 0.0]], [[0.5, 0.5]]):
        report = evaluate(np.array(q), None, [1], classes=[0, 1])
        assert math.isnan(float(report.refinement))
        assert math.isnan(float(report.calibration))
        assert any("refinement and calibration were not estimated" in n for n in report.notes)
        assert "nan" not in str(report)
        page = loss_report_html(report)
        assert "would not lower" not in page


def test_figures_say_what_they_leave_out():
    q = np.full((40, 4), 0.25)
    q[:12] = [1.0, 0.0, 0.0, 0.0]
    y = np.array([1] * 8 + [2] * 4 + [0] * 28)  # twelve infinite rows in two classes; class 3 empty
    report = evaluate(q, None, y)
    sentences = not_drawn(report)
    assert sentences == (
        "Decomposition: infinite, so not drawn: explained, calibration.",
        "Classes: 2 classes of infinite loss not drawn.",
        "Classes: 1 class without rows not drawn.",
        "Rows: 12 rows of infinite loss not drawn.",
    )
    page = loss_report_html(report)
    assert all(sentence in page for sentence in sentences)
    assert report.plot().get_supxlabel() == "\n".join(sentences)
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(loss_report_view(report))
    assert "inf" in console.export_text()
    # all rows infinite: the figure is drawn, with nothing in it but the sentences
    q, y = certain_and_wrong(40, 2)
    every = evaluate(q, None, y)
    assert "Rows: 40 rows of infinite loss not drawn." in loss_report_html(every)
    finite = evaluate(np.full((40, 2), 0.5), None, y)
    assert not_drawn(finite) == ()
