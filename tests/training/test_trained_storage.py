"""Saved networks come back to the same bits, and altered files are refused."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import kullback as kl


@pytest.fixture(scope="module")
def data():
    x, y = load_iris(return_X_y=True)
    frame = pd.DataFrame(x, columns=["a", "b", "c", "d"])
    frame["kind"] = np.where(x[:, 0] > 6.0, "long", "short")
    frame["label"] = np.array(["setosa", "versicolor", "virginica"])[y]
    return frame


@pytest.fixture(scope="module")
def fit(data):
    model = kl.Categorical(logits=kl.MLP(hidden=(8,), members=2, activation="tanh"))
    how = kl.Minibatch(epochs=5, batch=32, learning_rate=0.02, calibration="vector")
    return kl.fit(model, data, "label", solver=how)


@pytest.fixture
def folder(fit, tmp_path):
    fit.save(tmp_path / "model")
    return tmp_path / "model"


def test_it_comes_back_to_the_same_bits(fit, folder, data):
    again = kl.load(folder)
    np.testing.assert_array_equal(again.predict_proba(data), fit.predict_proba(data))
    assert again.classes_ == fit.classes_
    assert again.history == fit.history
    assert again.summary() == fit.summary()
    fit.save(folder)  # an older model is replaced
    assert sorted(file.name for file in folder.iterdir()) == ["model.json", "weights.safetensors"]
    assert [file.name for file in folder.parent.iterdir()] == ["model"]


def test_a_regression_comes_back_too(tmp_path):
    x = np.linspace(-1.0, 1.0, 100)[:, None]
    model = kl.Normal(loc=kl.MLP(hidden=(4,), members=1), scale=kl.Param(start=1.0))
    fit = kl.fit(model, x, x[:, 0] ** 2, solver=kl.Minibatch(epochs=3, batch=32))
    fit.save(tmp_path / "model")
    again = kl.load(tmp_path / "model").predict_params(x)
    for name, values in fit.predict_params(x).items():
        np.testing.assert_array_equal(again[name], values)


def alter(**changes):
    def change(folder):
        document = json.loads((folder / "model.json").read_text())
        document.update(changes)
        (folder / "model.json").write_text(json.dumps(document))

    return change


def alter_option(name, value):
    def change(folder):
        document = json.loads((folder / "model.json").read_text())
        document["sources"]["logits"]["options"][name] = value
        (folder / "model.json").write_text(json.dumps(document))

    return change


def cut_weights(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


def swap_weights(folder):
    from safetensors.numpy import load, save

    path = folder / "weights.safetensors"
    tensors = {name: np.full_like(array, np.nan) for name, array in load(path.read_bytes()).items()}
    path.write_bytes(save(tensors))
    alter(sha256=hashlib.sha256(path.read_bytes()).hexdigest())(folder)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut_weights, "was altered, or belongs to another"),
        (swap_weights, "not finite"),
        (lambda folder: (folder / "weights.safetensors").unlink(), "there is no file weights"),
        (lambda folder: (folder / "model.json").write_text("{"), "is no JSON"),
        (lambda folder: (folder / "model.json").write_text("[" * 10**5), "is no JSON"),
        (alter(format="pickle"), 'does not say "format": "kullback network"'),
        (alter(version=99), "it has version 99"),
        (alter(model="os.system"), "there is no model 'os.system'"),
        (alter(sources=3), "was altered"),
        (alter_option("hidden", [10**6, 10**6]), "lacks logits.0"),
        (alter_option("activation", "__import__"), "there is no activation"),
    ],
)
def test_altered_files_are_refused(harm, message, folder):
    harm(folder)
    with pytest.raises(kl.FileFormatError, match=message):
        kl.load(folder)


def test_code_of_the_users_own_is_not_saved(tmp_path, data):
    model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1, activation=lambda z: z * z))
    fit = kl.fit(model, data, "label", solver=kl.Minibatch(epochs=2, batch=64))
    with pytest.raises(kl.ModelError, match="the user's own code"):
        fit.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_something_else_is_kept(fit, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(kl.KullbackError, match="it is kept"):
        fit.save(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
