"""Weights, probabilities and votes in every type that holds numbers, and what is not a number."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest

from kullback._core.errors import DataError
from kullback.evaluation.evaluate import evaluate

Q = [[0.5, 0.5], [0.2, 0.8]]
Y = [0, 1]
# by hand: weights 1 and 2
LOSS = -(math.log(0.5) + 2 * math.log(0.8)) / 3


@pytest.mark.parametrize(
    "weights",
    [
        [1, 2],
        (1, 2),
        range(1, 3),
        np.array([1, 2], dtype=object),
        np.array([1, 2], dtype=np.uint8),
        [Decimal(1), Decimal("2.0")],
        [Fraction(1), 2.0],
        [True, np.int64(2)],
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1, 2], dtype=object),
        pd.Series([Decimal(1), Decimal(2)]),
        pl.Series([1, 2]),
        pl.Series([Decimal(1), Decimal(2)]),
    ],
)
def test_weights_of_every_type(weights):
    assert float(evaluate(np.array(Q), None, Y, weights=weights).cross_entropy) == pytest.approx(
        LOSS, rel=1e-14
    )
    table = {"a": [1.0, 2.0], "w": weights}
    report = evaluate(np.array(Q), table, Y, weights="w")
    assert float(report.cross_entropy) == pytest.approx(LOSS, rel=1e-14)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, "a"], r"weights must be numbers, got text: row 1 \(a\)$"),
        (["1", "2"], r"weights must be numbers, got text: row 0 \(1\) and row 1 \(2\)"),
        (np.array(["1", "2"]), "weights must be numbers, got text: row 0"),
        ([1, None], r"weights must be finite and at least 0: row 1 \(nan\)"),
        ([1, Decimal("-1")], r"at least 0: row 1 \(-1.0\)"),
        ([1, Decimal("NaN")], r"at least 0: row 1 \(nan\)"),
        ([1, math.inf], r"at least 0: row 1 \(inf\)"),
        ([1, 2, 3], "a number for each of 2 rows, got 3 numbers"),
        ([1, 1j], "complex numbers; row 1"),
        ([1, [2]], "type list"),
    ],
)
def test_what_is_wrong_with_weights(weights, message):
    with pytest.raises(DataError, match=message):
        evaluate(np.array(Q), None, Y, weights=weights)


def test_probabilities_and_votes_as_objects():
    loss = -(math.log(0.5) + math.log(0.8)) / 2
    decimals = [[Decimal(str(v)) for v in row] for row in Q]
    for q in (np.array(Q, dtype=object), decimals):
        assert float(evaluate(q, None, Y).cross_entropy) == pytest.approx(loss, rel=1e-14)
    second = np.array([Decimal("0.5"), Decimal("0.8")])
    assert float(evaluate(second, None, Y).cross_entropy) == pytest.approx(loss, rel=1e-14)
    table = pd.DataFrame(decimals, columns=["no", "yes"])
    assert float(evaluate(table, None, ["no", "yes"]).cross_entropy) == pytest.approx(loss)
    # by hand: one vote of one for the first class, 3 of 4 for the second
    shared = -(math.log(0.5) + 0.25 * math.log(0.2) + 0.75 * math.log(0.8)) / 2
    for votes in (np.array([[1, 0], [1, 3]], dtype=object), [[Decimal(1), 0], [Decimal(1), 3]]):
        assert float(evaluate(Q, None, votes).cross_entropy) == pytest.approx(shared, rel=1e-14)


@pytest.mark.parametrize(
    ("q", "y", "message"),
    [
        ([["a", 1], [1, 2]], Y, "column 0 of the probabilities must be numbers, got text: row 0"),
        ([[0.5, 0.5], [0.5]], Y, "rows of the probabilities have different lengths"),
        ([[0.5, None], [0.5, 0.5]], Y, "NaN: row 0"),
        (Q, [[1, None], [2, 3]], "y must hold probabilities or counts.*row 0"),
        (Q, np.array([[1, 2], [1, "a"]], dtype=object), "column 1 of y must be numbers.*row 1"),
    ],
)
def test_what_is_wrong_with_a_matrix(q, y, message):
    with pytest.raises(DataError, match=message):
        evaluate(q, None, y)
