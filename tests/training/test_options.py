"""Options of a training that are out of range are refused, in Python and at the command line."""

import math

import numpy as np
import pandas as pd
import pytest

import kullback as kl


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options")
    r = np.random.default_rng(0)
    table = pd.DataFrame({"x": r.standard_normal(60), "label": r.integers(0, 2, 60)})
    table.to_csv(folder / "t.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("patience", [0, -1, 2.5, math.nan, 10**30, "3", True, None]),
        ("epochs", [0, -1, 2.5, math.nan, 10**30]),
        ("batch", [0, -1, 2.5, math.nan, 10**30]),
        ("seed", [-1, 1.5, math.nan, 2**64]),
        ("learning_rate", [0.0, -1.0, math.nan, math.inf, "fast"]),
        ("weight_decay", [-1.0, math.nan, math.inf]),
        ("label_smoothing", [-0.1, 1.0, math.nan, math.inf]),
        ("held_out", [0.0, 1.0, -0.1, math.nan, math.inf]),
    ],
)
def test_options_of_the_minibatches(name, wrong):
    for value in wrong:
        with pytest.raises(kl.ModelError, match=f"^{name}.* must .*got "):
            kl.Minibatch(**{name: value})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("hidden", [0, (64, -1), 10**9, 2.5]),
        ("dropout", [-0.1, 1.0, math.nan]),
        ("members", [0, -1, 1.5, math.nan, 10**9]),
        ("frequencies", [-1, 1.5, 10**9]),
    ],
)
def test_options_of_the_networks(name, wrong):
    for value in wrong:
        with pytest.raises(kl.ModelError, match=f"{name} must .*got "):
            kl.MLP(**{name: value})


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("--patience", ["0", "-1", "2.5", "nan", "1" + 30 * "0"]),
        ("--epochs", ["0", "-1", "nan", "1" + 30 * "0"]),
        ("--batch", ["0", "-1"]),
        ("--members", ["0", "-1", "1000000000"]),
        ("--seed", ["-1", "1" + 30 * "0"]),
        ("--learning-rate", ["0", "-1", "nan", "inf"]),
        ("--weight-decay", ["-1", "nan", "inf"]),
        ("--dropout", ["-1", "1", "nan"]),
        ("--label-smoothing", ["-1", "1", "nan"]),
        ("--held-out", ["0", "1", "-1", "nan"]),
        ("--test", ["0", "1", "-1", "nan"]),
        ("--hidden", ["0", "-1", "nan", "1000000000"]),
    ],
)
def test_options_of_the_command_line(run, option, wrong):
    for value in wrong:
        code, out, error = run("train", "t.csv", "--target", "label", f"{option}={value}")
        assert (code, out) == (2, ""), value
        assert option in error, error


def test_numpys_integers_and_large_values_are_taken():
    how = kl.Minibatch(epochs=np.int64(2), batch=2**31 - 1, patience=np.int32(1), seed=2**63 - 1)
    assert (how.epochs, how.patience) == (2, 1)
    x = np.random.default_rng(0).standard_normal((40, 1))
    fit = kl.fit(
        kl.Categorical(logits=kl.MLP(hidden=(4,), members=1)), x, x[:, 0] > 0.0, solver=how
    )
    assert math.isfinite(fit.cross_entropy)


def test_a_class_of_weight_0_is_said_not_to_be_put_back():
    r = np.random.default_rng(0)
    x, y = r.standard_normal((200, 2)), np.array(["a", "b", "b", "c"] * 50)
    model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1))
    how = kl.Minibatch(epochs=2, class_weight={"c": 0.0, "a": 2.0})
    text = kl.fit(model, x, y, solver=how).reason
    # one row in four is of class c
    assert "not trained because of weight 0: 'c', whose probabilities cannot be put back" in text
    assert "their 25 % of the rows by any calibration" in text
    assert "probabilities of the other classes are put back to the shares" in text
