"""Predictions for no rows are empty and of the right shape; no rows to fit or evaluate are refused.

The expected shapes are NumPy's own: those of the predictions for all rows, cut to none.
"""

import csv

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback.data import open as opening
from kullback.sklearn import NetworkClassifier, NetworkRegressor

QUICK = kl.Minibatch(epochs=1)
NET = kl.MLP(hidden=(4,), members=1, inputs=("x", "kind"))
R = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "x": R.standard_normal(60),
        "kind": np.array(["u", "v", "w"])[R.integers(0, 3, 60)],
        "label": np.array(["a", "b", "c"])[R.integers(0, 3, 60)],
        "loss": R.standard_normal(60),
    }
)
NO_ROWS = {
    "pandas": lambda _: FRAME.iloc[:0],
    "pandas, of objects": lambda _: pd.DataFrame(columns=FRAME.columns),
    "polars": lambda _: pl.DataFrame(FRAME.iloc[:0]),
    "arrow": lambda _: pa.Table.from_pandas(FRAME.iloc[:0]),
    "dict": lambda _: {name: [] for name in FRAME},
    "csv": lambda folder: str(folder / "header.csv"),
    "parquet": lambda folder: str(folder / "none.parquet"),
}


@pytest.fixture(scope="module")
def classifier():
    return kl.fit(kl.Categorical(logits=NET), FRAME, "label", solver=QUICK)


@pytest.fixture(scope="module")
def regression():
    return kl.fit(kl.Normal(loc=NET, scale=NET), FRAME, "loss", solver=QUICK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, classifier, regression):
    folder = tmp_path_factory.mktemp("none")
    FRAME.iloc[:0].to_csv(folder / "header.csv", index=False)
    FRAME.iloc[:0].to_parquet(folder / "none.parquet")
    classifier.save(folder / "classifier")
    regression.save(folder / "regression")
    return folder


@pytest.mark.parametrize("kind", NO_ROWS)
def test_predictions_for_no_rows_have_the_shape_of_none_of_the_rows(
    kind, folder, classifier, regression
):
    data = NO_ROWS[kind](folder)
    assert classifier.predict_proba(data).shape == classifier.predict_proba(FRAME)[:0].shape
    assert classifier.predict(data).shape == (0,)
    assert classifier.predict(data).dtype == classifier.predict(FRAME).dtype
    assert {n: v.shape for n, v in regression.predict_params(data).items()} == {
        "loc": (0,),
        "scale": (0,),
    }
    assert regression.predict(data).shape == (0,)
    with pytest.raises(kl.KullbackError, match="no rows to evaluate"):
        kl.evaluate(classifier, data, "label")
    for model, y in ((kl.Categorical(logits=NET), "label"), (kl.Normal(loc=NET), "loss")):
        with pytest.raises(kl.KullbackError, match=f'column "{y}" is empty; at least one row'):
            kl.fit(model, data, y, solver=QUICK)
    with pytest.raises(kl.KullbackError, match='column "label" is empty; at least one row'):
        kl.estimate_cross_entropy(classifier.model, data, "label")


def test_a_file_read_part_by_part_may_hold_no_rows(folder, classifier, monkeypatch):
    monkeypatch.setattr(opening, "IN_MEMORY_BYTES", -1)
    assert classifier.predict_proba(str(folder / "header.csv")).shape == (0, 3)


def test_arrays_of_no_rows_and_of_other_columns():
    x = FRAME[["x", "loss"]].to_numpy()
    net = kl.MLP(hidden=(4,), members=1)
    fit = kl.fit(kl.Categorical(logits=net), x, FRAME["label"], solver=QUICK)
    for none in (x[:0], np.zeros(0), np.zeros((0, 0)), []):
        assert fit.predict_proba(none).shape == (0, 3)
        assert fit.predict(none).shape == (0,)
    # columns of an array are known by position: one more was ignored
    for rows in (0, 5):
        with pytest.raises(kl.KullbackError, match="fitted to 2 covariates, and the array has 3"):
            fit.predict_proba(np.zeros((rows, 3)))
    some = kl.fit(
        kl.Categorical(logits=kl.MLP(hidden=(4,), members=1, inputs=("x1",))),
        x,
        FRAME["label"],
        solver=QUICK,
    )  # reads one column of the two
    assert some.predict_proba(x).shape == (60, 3)


def test_scikit_learns_estimators():
    x = FRAME[["x", "loss"]].to_numpy()
    quick = {"hidden": (4,), "members": 1, "epochs": 1}
    classifier = NetworkClassifier(**quick).fit(x, FRAME["label"])
    assert classifier.predict(x[:0]).shape == (0,)
    assert classifier.predict_proba(x[:0]).shape == (0, 3)
    assert classifier.predict_log_proba(x[:0]).shape == (0, 3)
    of_frame = NetworkClassifier(**quick).fit(FRAME[["x", "kind"]], FRAME["label"])
    assert of_frame.predict_proba(FRAME[["x", "kind"]].iloc[:0]).shape == (0, 3)
    mean, std = NetworkRegressor(**quick).fit(x, x[:, 0]).predict(x[:0], return_std=True)
    assert mean.shape == std.shape == (0,)
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        NetworkClassifier().fit(x[:0], [])
    with pytest.raises(ValueError, match="n_samples=0"):
        NetworkClassifier().fit(FRAME[["x"]].iloc[:0], [])


@pytest.mark.parametrize("table", ["header.csv", "none.parquet"])
def test_the_command_line(table, folder, run):
    code, out, _ = run("predict", "classifier", table)
    assert (code, list(csv.reader([out.strip()]))) == (0, [["class", "p(a)", "p(b)", "p(c)"]])
    assert run("predict", "classifier", table, "--out", "out.parquet")[0] == 0
    written = pq.read_table(folder / "out.parquet")
    assert written.num_rows == 0
    assert written.column_names == ["class", "p(a)", "p(b)", "p(c)"]
    code, out, _ = run("predict", "regression", table)
    assert (code, list(csv.reader([out.strip()]))) == (0, [["mean", "loc", "scale"]])
    code, _, error = run("evaluate", "classifier", table, "--target", "label")
    assert code == 2
    assert error.startswith("error: there are no rows to evaluate")
    code, _, error = run("train", table, "--target", "label")
    assert code == 2
    assert error.startswith('error: column "label" is empty')


def test_densities_of_no_outcomes():
    for model in (kl.fit(kl.Normal(), [1.0, 2.0, 4.0]).model, kl.Poisson(rate=2.0)):
        for name in ("log_density", "cdf", "log_survival", "quantile"):
            assert getattr(model, name)([]).shape == (0,)
        assert model.sample(0).shape == (0,)
