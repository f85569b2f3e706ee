"""Tables of probabilities, votes and soft labels, whose columns are matched by name."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.special import xlogy
from sklearn.metrics import log_loss

from kullback._core.errors import DataError
from kullback.evaluation.evaluate import evaluate

LEVELS = ["low", "mid", "high"]  # sorted: high, low, mid
# probabilities of low, mid and high
Q = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
Y = ["low", "mid", "high", "low"]
# by hand: −log of each label's own probability
LOSS = -(math.log(0.7) + math.log(0.6) + math.log(0.7) + math.log(0.5)) / 4


def structured(columns):
    out = np.zeros(len(Q), dtype=[(name, float) for name in columns])
    for name, values in columns.items():
        out[name] = values
    return out


LIBRARIES = [pd.DataFrame, pl.DataFrame, pa.table, dict, structured]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
@pytest.mark.parametrize("written", ["{}", "p({})", "prob_{}", "{}.1"])
def test_columns_named_like_the_labels_are_matched_by_name(library, order, written):
    table = library({written.format(LEVELS[k]): Q[:, k] for k in order})
    report = evaluate(table, None, Y)
    assert float(report.cross_entropy) == pytest.approx(LOSS, rel=1e-14)
    assert report.accuracy == 1.0
    assert report.classes == tuple(LEVELS[k] for k in order)
    assert not any("order" in note for note in report.notes)
    named = evaluate(table, None, Y, classes=LEVELS)
    assert float(named.cross_entropy) == pytest.approx(LOSS, rel=1e-14)
    np.testing.assert_array_equal(named.probabilities, Q)


@pytest.mark.parametrize("kind", [int, str, np.int64, float])
def test_numbers_as_names(kind):
    # eleven classes, of which text is sorted as 0, 1, 10, 2, ...; scikit-learn on the codes
    rng = np.random.default_rng(0)
    q, y = rng.dirichlet(np.ones(11), 200), rng.integers(0, 11, 200)
    outside = log_loss(y, q, labels=range(11))
    for order in (rng.permutation(11), np.arange(11)):
        frame = pd.DataFrame(q[:, order], columns=[kind(k) for k in order])
        for labels in (y, y.astype(float), y.astype(str)):
            report = evaluate(frame, None, labels)
            assert float(report.cross_entropy) == pytest.approx(outside, rel=1e-12)


def test_other_spellings_of_the_labels():
    reverse = Q[:, ::-1]
    for names in (["High", "Mid", "Low"], ["P(HIGH)", "P(MID)", "P(LOW)"]):
        report = evaluate(pd.DataFrame(reverse, columns=names), None, Y)
        assert float(report.cross_entropy) == pytest.approx(LOSS, rel=1e-14)
    q = pd.DataFrame({1: [0.7, 0.4], 0: [0.3, 0.6]})
    report = evaluate(q, None, [True, False])
    assert float(report.cross_entropy) == pytest.approx(-math.log(0.7 * 0.6) / 2, rel=1e-14)
    votes = pd.DataFrame(np.eye(3)[[2, 1, 0, 2]], columns=["votes_high", "votes_mid", "votes_low"])
    report = evaluate(pd.DataFrame(Q, columns=["p(low)", "p(mid)", "p(high)"]), None, votes)
    assert float(report.cross_entropy) == pytest.approx(LOSS, rel=1e-14)
    # labels 10 and 12 are not the columns 0 and 2
    with pytest.raises(DataError, match="say which column is which class"):
        evaluate(pd.DataFrame(Q[:2]), None, [10, 12])


def test_a_label_that_does_not_occur_keeps_its_column():
    table = pd.DataFrame(Q[:2], columns=LEVELS)
    report = evaluate(table, None, ["mid", "low"])
    assert report.classes == ("low", "mid", "high")
    assert float(report.cross_entropy) == pytest.approx(-math.log(0.2), rel=1e-14)
    codes = evaluate(pd.DataFrame(Q[:2], columns=["7", "5", "3"]), None, [5, 7])
    assert codes.classes == (7, 5, 3)
    assert float(codes.cross_entropy) == pytest.approx(-math.log(0.2), rel=1e-14)


@pytest.mark.parametrize("names", [[0, 1, 2], ["x0", "x1", "x2"], ["p1", "p2", "p3"]])
def test_numbered_columns_are_taken_as_an_array_is(names):
    table = pd.DataFrame(Q, columns=names)
    for labels, classes in (([0, 1, 2, 0], (0, 1, 2)), ([4, 5, 9, 4], (4, 5, 9))):
        report = evaluate(table, None, labels)
        assert report.classes == classes
        assert float(report.cross_entropy) == pytest.approx(LOSS, rel=1e-14)
        assert not any("columns" in note for note in report.notes)
    with pytest.raises(DataError, match="say which column is which class"):
        evaluate(table[:2], None, [1, 2])  # two of 0, 1, 2, or the first two of 1, 2, 3
    reverse = evaluate(table, None, [2, 1, 0, 2], classes=[2, 1, 0])
    assert float(reverse.cross_entropy) == pytest.approx(LOSS, rel=1e-14)


def test_columns_named_otherwise_keep_their_places_and_that_is_said():
    table = pd.DataFrame(Q, columns=["niedrig", "mittel", "hoch"])
    report = evaluate(table, None, Y, classes=LEVELS)
    assert float(report.cross_entropy) == pytest.approx(LOSS, rel=1e-14)
    (note,) = [note for note in report.notes if "order of the classes" in note]
    assert '"niedrig", "mittel" and "hoch"' in note
    assert '"low", "mid" and "high"' in note


@pytest.mark.parametrize("names", [["low", "mid", "top"], ["p_low", "p_top", "p_mid"]])
@pytest.mark.parametrize("options", [{}, {"classes": LEVELS}])
def test_columns_of_which_only_some_are_labels_are_refused(names, options):
    with pytest.raises(DataError, match='there is no column for "high"'):
        evaluate(pd.DataFrame(Q, columns=names), None, Y, **options)


@pytest.mark.parametrize("library", LIBRARIES)
def test_votes_and_soft_labels_by_name(library):
    votes = np.array([[3, 1, 0], [0, 4, 1], [1, 0, 2], [2, 2, 1]])
    share = votes / votes.sum(axis=1, keepdims=True)
    expected = -xlogy(share, Q).sum(axis=1).mean()  # scipy
    order = [2, 0, 1]
    for values in (votes, share):
        y = library({LEVELS[k]: values[:, k] for k in order})
        for table, options in (
            (pd.DataFrame(Q, columns=LEVELS), {}),
            (Q, {"classes": LEVELS}),
            (Q[:, order], {}),  # the columns of y name the classes
        ):
            report = evaluate(table, None, y, **options)
            assert float(report.cross_entropy) == pytest.approx(expected, rel=1e-14)
            assert set(report.classes) == set(LEVELS)
    unlike = pd.DataFrame(votes, columns=["low", "mid", "top"])
    with pytest.raises(DataError, match='there is no column for "high"'):
        evaluate(pd.DataFrame(Q, columns=LEVELS), None, unlike)
    other = evaluate(
        pd.DataFrame(Q, columns=LEVELS), None, pd.DataFrame(votes, columns=["A", "B", "C"])
    )
    assert float(other.cross_entropy) == pytest.approx(expected, rel=1e-14)
    assert any("the columns of y" in note for note in other.notes)


def test_a_model_whose_probabilities_are_a_table():
    class Model:
        classes_ = np.array(sorted(LEVELS))

        def predict_proba(self, _):
            return pd.DataFrame(Q, columns=LEVELS)

    report = evaluate(Model(), np.zeros((4, 1)), Y)
    assert report.classes == tuple(sorted(LEVELS))
    assert float(report.cross_entropy) == pytest.approx(LOSS, rel=1e-14)


def test_a_single_column_of_the_first_class_is_refused():
    q = pd.Series([0.2, 0.9, 0.4], name="yes")
    y = ["no", "yes", "yes"]
    loss = -(math.log(0.8) + math.log(0.9) + math.log(0.4)) / 3
    assert float(evaluate(q, None, y).cross_entropy) == pytest.approx(loss, rel=1e-14)
    with pytest.raises(DataError, match='name "no", the first of the classes "no" and "yes"'):
        evaluate(q.rename("no"), None, y)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame(Q, columns=["low", "low", "high"]), 'columns called "low"|unique'),
        ({"low": Q[:, 0], "mid": Q[:3, 1], "high": Q[:, 2]}, 'column "mid" has 3|has 4 rows and'),
        (
            {"low": Q[:, 0], "mid": ["a"] * 4, "high": Q[:, 2]},
            'column "mid" must be numbers, got text: row 0 .a.',
        ),
        (pl.DataFrame(Q, LEVELS).with_columns(mid=None), "NaN: row 0"),
        (pd.DataFrame(), "without columns"),
    ],
)
def test_tables_that_cannot_be_used(table, message):
    with pytest.raises(DataError, match=message):
        evaluate(table, None, Y)
