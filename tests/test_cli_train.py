"""kullback train, predict and evaluate, as a user runs them."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import kullback as kl

QUICK = ("--hidden", "8", "--members", "1", "--epochs", "15", "--learning-rate", "0.03")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    x, y = load_iris(return_X_y=True)
    frame = pd.DataFrame(x, columns=["a", "b", "c", "d"])
    frame["label"] = np.array(["setosa", "versicolor", "virginica"])[y]
    order = np.random.default_rng(0).permutation(150)
    frame.iloc[order[:100]].to_csv(folder / "train.csv", index=False)
    frame.iloc[order[100:]].to_parquet(folder / "test.parquet")
    return folder


def test_train_save_predict_and_evaluate(run, folder):
    code, out, _ = run(
        "train", "train.csv", "--target", "label", *QUICK, "--save", "model", "--unit", "bits",
        "--test", "test.parquet", "--report", "page.html",
    )  # fmt: skip
    assert code == 0
    assert "explained of the label" in out
    assert "What the loss is made of" in (folder / "page.html").read_text(encoding="utf-8")
    code, out, _ = run("predict", "model", "test.parquet")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert len(rows) == 50
    p = kl.load(folder / "model").predict_proba(pd.read_parquet(folder / "test.parquet"))
    assert float(rows[7]["p(setosa)"]) == p[7, 0]
    code, out, _ = run("evaluate", "model", "test.parquet", "--target", "label", "--json")
    assert code == 0
    codes = pd.Categorical(pd.read_parquet(folder / "test.parquet")["label"]).codes
    assert json.loads(out)["cross_entropy"]["value"] == pytest.approx(
        -np.mean(np.log(p[np.arange(50), codes])), rel=1e-12
    )


def test_json_of_a_training(run):
    code, out, _ = run("train", "train.csv", "--target", "label", *QUICK, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["classes"] == ["setosa", "versicolor", "virginica"]
    assert len(document["held_out"]) == document["epochs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "train.csv", "--target", "lable"), 'did you mean "label"'),
        (("train", "train.csv", "--target", "label", "--hidden", "a"), "--hidden needs widths"),
        (("train", "train.csv", "--target", "label", "--report", "x.html"), "go together"),
        (("predict", "nothing", "test.parquet"), "there is no such file"),
    ],
)
def test_what_is_wrong_is_told(run, arguments, message):
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
