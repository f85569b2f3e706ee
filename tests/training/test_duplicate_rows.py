"""Copies of a row are held out together; rows that are equal by chance are rows of their own."""

import numpy as np
import pytest

import kullback as kl
from kullback.data.sample import ArraySample
from kullback.training.duplicate_rows import originals

RNG = np.random.default_rng(7)
NORMAL, FEW = RNG.normal(size=200), RNG.integers(0, 3, 200).astype(float)
LABEL = RNG.integers(0, 2, 200).astype(float)


def found(a, b, y):
    return originals(ArraySample({"y": y, "a": a, "b": b}), np.arange(len(y)))


def test_copies_have_the_index_of_the_first():
    np.testing.assert_array_equal(found(NORMAL, FEW, LABEL), np.arange(200))
    tiled = (np.tile(column, 3) for column in (NORMAL, FEW, LABEL))
    np.testing.assert_array_equal(found(*tiled), np.tile(np.arange(200), 3))
    gaps = np.where(FEW == 1.0, np.nan, FEW)
    tiled = (np.repeat(column, 2) for column in (NORMAL, gaps, LABEL))
    np.testing.assert_array_equal(found(*tiled), np.repeat(2 * np.arange(200), 2))


def test_a_row_with_another_label_is_not_a_copy():
    rows = found(np.tile(NORMAL, 2), np.tile(FEW, 2), np.arange(400.0))
    np.testing.assert_array_equal(rows, np.arange(400))


def test_categories_and_rounded_numbers_repeat_by_chance():
    y = np.tile(LABEL, 2)
    few, rounded = RNG.integers(0, 4, 400).astype(float), np.round(RNG.normal(size=400), 1)
    np.testing.assert_array_equal(found(few, few % 2, y), np.arange(400))
    np.testing.assert_array_equal(found(rounded, few, y), np.arange(400))


def test_rows_without_their_unique_value_are_not_copies():
    a = np.where(RNG.random(400) < 0.3, np.nan, RNG.normal(size=400))
    b, y = RNG.integers(0, 3, 400).astype(float), RNG.integers(0, 2, 400).astype(float)
    np.testing.assert_array_equal(found(a, b, y), np.arange(400))


@pytest.mark.parametrize("members", [1, 3])
def test_copies_are_held_out_together(members):
    """Labels by the toss of a coin: no network has less than log 2 on rows that are new to it."""
    x = np.tile(RNG.normal(size=(60, 3)), (20, 1))
    y = np.tile(RNG.permutation(np.repeat([0, 1], 30)), 20)
    model = kl.Categorical(logits=kl.MLP(hidden=(64,), members=members))
    fit = kl.fit(model, x, y, solver=kl.Minibatch(epochs=40, learning_rate=0.01))
    assert "95 % of the rows are copies of others and are held out with them" in fit.reason
    # 60 tosses: a network may be right of a few more than half by chance, but not of nearly all
    assert fit.cross_entropy > 0.5


def test_distinct_rows_are_not_mentioned():
    x, y = RNG.normal(size=(60, 3)), RNG.integers(0, 2, 60)
    model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1))
    assert "copies" not in kl.fit(model, x, y, solver=kl.Minibatch(epochs=2)).reason


@pytest.mark.parametrize("different", [2, 3, 4])
def test_few_different_rows_of_several_copies_train(different):
    """A member has a row to train on and another to hold out, however often each is repeated."""
    x = np.repeat(RNG.normal(size=(different, 1)), 3, axis=0)
    y = np.repeat(np.arange(different) % 2, 3)
    how = kl.Minibatch(epochs=2)
    fit = kl.fit(kl.Categorical(logits=kl.MLP(hidden=(4,))), x, y, solver=how)
    # half the different rows are members at most, and each holds out one or two of them
    assert fit.held_out_rows == {2: 1, 3: 1, 4: 4}[different]
    assert np.isfinite(fit.cross_entropy)
    mean = kl.Normal(loc=kl.MLP(hidden=(4,)), scale=1.0)
    assert np.isfinite(kl.fit(mean, x, y + x[:, 0], solver=how).cross_entropy)


def test_copies_of_one_row_are_refused():
    with pytest.raises(kl.DataError, match="the 12 rows of positive weight are copies of one row"):
        kl.fit(kl.Normal(loc=kl.MLP(), scale=1.0), np.ones((12, 1)), np.ones(12))
