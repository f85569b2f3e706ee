"""Saved networks come back to the same bits, and altered files are refused with the reason."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import kullback as kl
from kullback._core.files import BLANK, sealed


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
    old = weights_file(folder)
    fit.save(folder)  # an older model is replaced
    assert set(folder.iterdir()) == {folder / "model.json", weights_file(folder)}
    assert not old.exists()
    assert [file.name for file in folder.parent.iterdir()] == ["model"]


def test_a_regression_comes_back_too(tmp_path):
    x = np.linspace(-1.0, 1.0, 100)[:, None]
    model = kl.Normal(loc=kl.MLP(hidden=(4,), members=1), scale=kl.Param(start=1.0))
    fit = kl.fit(model, x, x[:, 0] ** 2, solver=kl.Minibatch(epochs=3, batch=32))
    fit.save(tmp_path / "model")
    again = kl.load(tmp_path / "model").predict_params(x)
    for name, values in fit.predict_params(x).items():
        np.testing.assert_array_equal(again[name], values)


def weights_file(folder):
    return folder / json.loads((folder / "model.json").read_text())["weights"]["file"]


def rewrite(folder, document):
    """Write the document with a right digest, as a forger would."""
    text = json.dumps(document | {"sha256": BLANK})
    (folder / "model.json").write_bytes(sealed(text.encode()))


def alter(*place, to):
    def change(folder):
        document = json.loads((folder / "model.json").read_text())
        at = document
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = to
        rewrite(folder, document)

    return change


def cut_weights(folder):
    path = weights_file(folder)
    path.write_bytes(path.read_bytes()[:-8])


def swap_weights(folder):
    from safetensors.numpy import load, save

    path = weights_file(folder)
    tensors = {name: np.full_like(array, np.nan) for name, array in load(path.read_bytes()).items()}
    path.write_bytes(save(tensors))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    alter("weights", "sha256", to=digest)(folder)


def edit(folder):
    path = folder / "model.json"
    path.write_text(path.read_text().replace('"best": ', '"best":  '))


OPTIONS = ("sources", "logits", "options")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut_weights, "was altered, or belongs to another"),
        (swap_weights, "not finite"),
        (
            lambda folder: weights_file(folder).unlink(),
            "safetensors is missing",
        ),
        (lambda folder: (folder / "model.json").write_text("{"), "not JSON"),
        (edit, "its digest differs"),
        (lambda folder: (folder / "model.json").write_text("[" * 10**5), "nested too deeply"),
        (alter("format", to="pickle"), "\"format\" needs 'kullback network'"),
        (
            alter("version", to=99),
            "it has version 99 .* reads version 3. Upgrade with: pip",
        ),
        (alter("version", to=2), "it has version 2 .* Train the network again and save it."),
        (alter("model", to="os.system"), "'os.system' is not a model of Kullback's"),
        (alter("sources", to=3), "was altered"),
        (alter(*OPTIONS, "hidden", to=[10**6, 10**6]), "lacks logits.0"),
        (alter(*OPTIONS, "activation", to="__import__"), "'__import__' is not an activation"),
    ],
)
def test_an_altered_folder_is_refused(harm, message, folder):
    harm(folder)
    with pytest.raises(kl.FileFormatError, match=message):
        kl.load(folder)


def test_code_of_the_users_own_is_not_saved(tmp_path, data):
    model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1, activation=lambda z: z * z))
    fit = kl.fit(model, data, "label", solver=kl.Minibatch(epochs=2, batch=64))
    with pytest.raises(kl.ModelError, match="the user's own code"):
        fit.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
