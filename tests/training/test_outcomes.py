"""Which outcomes are classes, which are quantities, and what the command line makes of both."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

import kullback as kl
from kullback.models.linear import Linear
from kullback.sklearn import NetworkClassifier, NetworkRegressor

CLASSES = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1))
QUICK = kl.Minibatch(epochs=1)
R = np.random.default_rng(0)
X = R.standard_normal((400, 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outcomes")
    x, y = load_diabetes(return_X_y=True)
    frame = pd.DataFrame(x, columns=list("abcdefghij"))
    frame["progression"], frame["n"] = y, np.arange(442) % 3
    frame[:300].to_csv(folder / "train.csv", index=False)
    frame[300:].to_csv(folder / "test.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("y", "different"),
    [
        (R.standard_normal(400), 400),
        (np.round(R.standard_normal(400), 1) * 0.1 + 0.05, None),
        (np.arange(400) // 2, 200),  # two rows a value
        ((np.arange(400) % 30) + 0.5, 30),
    ],
)
def test_a_quantity_is_no_class(y, different):
    count = len(np.unique(y)) if different is None else different
    with pytest.raises(kl.DataError, match=f"{count} different numbers in 400 rows") as refused:
        kl.fit(CLASSES, X, y, solver=QUICK)
    assert "kl.Normal(loc=kl.MLP(), scale=kl.MLP())" in str(refused.value)


def test_the_diabetes_of_scikit_learn_is_a_regression():
    x, y = load_diabetes(return_X_y=True)  # 214 values, whole numbers, of 442 rows
    with pytest.raises(kl.DataError, match="214 different numbers in 442 rows"):
        kl.fit(CLASSES, x, y, solver=QUICK)
    with pytest.raises(ValueError, match="NetworkRegressor in scikit-learn"):
        NetworkClassifier().fit(x, y)
    with pytest.raises(ValueError, match=r"Unknown label type: continuous.*Use NetworkRegressor"):
        NetworkClassifier().fit(x, y + 0.5)


@pytest.mark.parametrize(
    "y",
    [
        np.arange(400) % 80,  # five rows a class
        (np.arange(400) % 20) + 0.5,  # ratings
        np.array([f"class {k}" for k in np.arange(400) // 2]),
    ],
)
def test_classes_may_be_numbers(y):
    assert len(kl.fit(CLASSES, X, y, solver=QUICK).classes_) == len(np.unique(y))


def test_the_command_line_trains_and_evaluates_a_regression(run, folder):
    code, _, error = run("train", "train.csv", "--target", "progression")
    assert code == 2
    assert "Train a regression: --regression." in error
    code, out, _ = run(
        "train", "train.csv", "--target", "progression", "--regression", "--hidden", "8",
        "--members", "1", "--epochs", "40", "--learning-rate", "0.03", "--save", "model",
        "--test", "test.csv", "--json",
    )  # fmt: skip
    assert code == 0
    trained = json.loads(out)
    assert trained["classes"] is None
    test = pd.read_csv(folder / "test.csv")
    y, fit = test["progression"], kl.load(folder / "model")
    for weights in ([], ["--weights", "n"]):
        arguments = ("test.csv", "--target", "progression", *weights)
        code, out, _ = run("evaluate", "model", *arguments, "--json")
        found = json.loads(out)
        weight = test["n"] if weights else np.ones(len(y))
        # scikit-learn's metrics, and the normal log density by hand
        p = fit.predict_params(test)
        mean = p["loc"]
        assert found["rmse"] == pytest.approx(
            root_mean_squared_error(y, mean, sample_weight=weight), rel=1e-12
        )
        assert found["r2"] == pytest.approx(r2_score(y, mean, sample_weight=weight), rel=1e-9)
        assert found["mean_absolute_error"] == pytest.approx(
            mean_absolute_error(y, mean, sample_weight=weight), rel=1e-12
        )
        loss = 0.5 * math.log(2.0 * math.pi) + np.log(p["scale"])
        loss = loss + 0.5 * ((y - mean) / p["scale"]) ** 2
        assert found["cross_entropy"]["value"] == pytest.approx(
            np.average(loss, weights=weight),
            rel=1e-7,  # networks work in single precision
        )
        variance = np.cov(y, ddof=0, aweights=weight)
        assert found["baseline"] == pytest.approx(
            0.5 * math.log(2.0 * math.pi * math.e * variance), rel=1e-12
        )
        if not weights:
            assert trained["test"] == found
            assert found["r2"] > 0.2  # it has learned something
    code, out, _ = run("evaluate", "model", "test.csv", "--target", "progression")
    assert code == 0
    assert "root mean squared error" in out
    for wrong in (["--report", "a.html"], ["--slices", "a"]):
        code, _, error = run("evaluate", "model", "test.csv", "--target", "progression", *wrong)
        assert code == 2
        assert "MODEL is a regression" in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "train.csv", "--target", "progresion"],
        ["train", "train.csv", "--target", "progresion", "--report", "a.html"],
        ["train", "train.csv", "--target", "n", "--weights", "progresion"],
        ["train", "train.csv", "--target", "n", "--inputs", "progresion"],
        ["evaluate", "train.csv", "--target", "progresion", "--probabilities", "a"],
        ["fit", "train.csv", "--y", "progresion", "--model", "normal"],
        ["entropy", "train.csv", "--by", "progresion"],
        ["entropy", "train.csv", "--columns", "progresion"],
    ],
)
def test_a_mistyped_column_is_reported_with_its_file(run, arguments):
    code, _, error = run(*arguments)
    assert code == 2
    assert 'no column "progresion" in train.csv; did you mean "progression"?' in error


def test_the_name_of_an_outcome_is_kept_in_scikit_learns_estimators():
    y = pd.Series(R.integers(0, 2, 400), name="bought")
    quick = {"hidden": (4,), "members": 1, "epochs": 1}
    assert NetworkClassifier(**quick).fit(X, y).fit_.label == 'column "bought"'
    assert NetworkRegressor(**quick).fit(X, y * 1.0).fit_.label == 'column "bought"'
    assert NetworkClassifier(**quick).fit(X, y.to_numpy()).fit_.label == "y"


def test_a_network_beside_another_source_of_columns_is_refused():
    model = kl.Normal(loc=kl.MLP(), scale=Linear(("x",)))
    data = {"x": X[:, 0], "y": X[:, 1]}
    with pytest.raises(kl.ModelError, match="scale of Normal reads columns and is not a network"):
        kl.fit(model, data, "y")


def test_a_network_learns_the_classes_of_the_sample():
    y = np.where(X[:, 0] > 0.0, "yes", "no")
    fit = kl.fit(CLASSES, X, y, solver=QUICK)
    assert fit.model.levels == ("no", "yes")
    assert fit.model.classes == 2
    named = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1), levels=["yes", "no"])
    assert kl.fit(named, X, y, solver=QUICK).model.levels == ("yes", "no")
    with pytest.raises(kl.ModelError, match=r"has the levels 'a', 'b'.* have 'no', 'yes'"):
        kl.fit(kl.Categorical(logits=kl.MLP(), levels=["a", "b"]), X, y, solver=QUICK)
