"""Saved networks come back to the same bits, and altered files are refused with the reason."""

import copy
import dataclasses
import hashlib
import json
import pickle
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import kullback as kl
from kullback._core.files import BLANK, sealed
from kullback.results.fitted_model import FittedModel


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
    assert isinstance(again, FittedModel)
    np.testing.assert_array_equal(again.predict_proba(data), fit.predict_proba(data))
    assert again.classes_ == fit.classes_
    assert again.history == fit.history
    assert again.summary() == fit.summary()
    check_equal(again, fit)
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
    check_equal(kl.load(tmp_path / "model"), fit)
    alter("sources", "scale", "value", to="nan")(tmp_path / "model")
    with pytest.raises(kl.FileFormatError, match=r'scale\.value" is not a value of scale'):
        kl.load(tmp_path / "model")
    fit.save(tmp_path / "model")
    again = kl.load(tmp_path / "model").predict_params(x)
    for name, values in fit.predict_params(x).items():
        np.testing.assert_array_equal(again[name], values)


def check_equal(again, fit):
    for other in (again, copy.copy(fit), copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):
        assert other == fit
        assert hash(other) == hash(fit)
        assert other.convergence == fit.convergence
    (name, source) = next((n, s) for n, s in fit.model.sources.items() if hasattr(s, "modules"))
    altered = dataclasses.replace(source, shift=source.shift + 1e-9)
    model = fit.model.with_sources({**fit.model.sources, name: altered})
    assert dataclasses.replace(fit, model=model) != fit
    assert dataclasses.replace(fit, best=fit.best + 1) != fit
    assert dataclasses.replace(fit, seconds=fit.seconds + 1.0) == fit
    assert (fit == 1) is False


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


LOGITS = ("sources", "logits")
OPTIONS = (*LOGITS, "options")
ENCODER = (*LOGITS, "encoder")


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
            "it has version 99 .* reads version 3. Read it with a newer Kullback",
        ),
        (alter("version", to=2), "it has version 2 .* Train the network again and save it."),
        (alter("model", to="os.system"), "'os.system' is not a model of Kullback's"),
        (alter("sources", to=3), r'"sources" needs entries by name, not 3'),
        (alter(*OPTIONS, "hidden", to=[60_000, 60_000]), "lacks logits.0"),
        (alter(*OPTIONS, "activation", to="__import__"), "'__import__' is not an activation"),
    ],
)
def test_an_altered_folder_is_refused(harm, message, folder):
    harm(folder)
    with pytest.raises(kl.FileFormatError, match=message):
        kl.load(folder)


def twice(folder):
    text = (folder / "model.json").read_text()
    digest = json.loads(text)["sha256"]
    text = text.replace(digest, BLANK, 1).replace('"rows":', '"rows": 3, "rows":')
    (folder / "model.json").write_bytes(sealed(text.encode()))


# Each: a place, what a forger who knows the digest writes there, and what the message says.
FORGED = [
    ((*OPTIONS, "frequencies"), 2**16, "its options need larger arrays"),
    ((*OPTIONS, "frequencies"), 10**400, '"sources.logits.options.frequencies" needs a whole'),
    ((*OPTIONS, "hidden"), [1] * 10**4, "its options need larger arrays"),
    ((*OPTIONS, "hidden"), [2**16], "its options need larger arrays"),
    ((*OPTIONS, "hidden"), [10**9], "hidden must be widths of at most 65,536"),
    ((*OPTIONS, "frequencies"), 10**9, "frequencies must be at most 65,536"),
    ((*OPTIONS, "hidden"), "8", "needs a list"),
    ((*OPTIONS, "dropout"), "nan", "dropout must lie in"),
    ((*OPTIONS, "skip"), 1, "needs true or false"),
    ((*OPTIONS, "inputs"), [3], "needs a text"),
    ((*LOGITS, "members"), 10**12, "its options need larger arrays"),
    ((*LOGITS, "members"), 1, "which the model lacks"),
    ((*LOGITS, "members"), 0, "needs at least one network"),
    ((*LOGITS, "members"), "2", "needs a whole number"),
    ((*LOGITS, "scale"), ["nan"], "needs finite numbers"),
    ((*LOGITS, "scale"), [-1.0], "not negative"),
    ((*LOGITS, "scale"), [1.0, 1.0], "needs 1 or 3 numbers and has 2"),
    ((*LOGITS, "shift"), ["inf", 0, 0], "needs finite numbers"),
    ((*LOGITS, "shift"), [], "needs 3 numbers"),
    ((*LOGITS, "background"), [-0.1, 0.2, 0.2], "sum below 1"),
    ((*LOGITS, "background"), [0.4, 0.4, 0.2], "sum below 1"),
    ((*LOGITS, "kind"), "pickle", "needs number, same_as or mlp"),
    ((*ENCODER, "scale"), [-1, 1, 1, 1, 1], "not negative"),
    ((*ENCODER, "scale"), ["nan", 1, 1, 1, 1], "needs finite numbers"),
    ((*ENCODER, "centre"), [0, 0], "needs 5 numbers"),
    ((*ENCODER, "sizes"), [10**12, 0, 0, 0, 2], "does not fit the levels"),
    ((*ENCODER, "sizes"), [-1, 0, 0, 0, 2], "needs a whole number"),
    ((*ENCODER, "gaps"), [0, 0, 0, 0, 1], "needs true or false"),
    ((*ENCODER, "names"), ["a", "a", "c", "d", "kind"], "none of them twice"),
    ((*ENCODER, "embedded"), [9], "needs the places of categories"),
    ((*ENCODER, "embedded"), [4, 4], "needs the places of categories"),
    (("classes",), ["a", "a", "b"], "holds a label twice"),
    (("classes",), None, "holds the labels, which Categorical needs"),
    (("classes",), [None, "a", "b"], "needs a text or a number"),
    (("levels", "kind"), ["long"], "does not fit the levels"),
    (("levels",), [], "needs entries by name"),
    (("sources",), {}, "needs every parameter"),
    (("sample", "error"), -1.0, "not negative"),
    (("sample", "rows"), 1.5, "needs a whole number"),
    (("sample", "converged"), "yes", "needs true or false"),
    (("sample", "best"), 99, "needs one of 5 epochs"),
    (("history", 0), [2, 0, 0, 0], "needs the number 1 and three losses"),
    (("history", 0), [1, 0, 0], "needs the number 1 and three losses"),
    (("history", 0, 1), None, "needs a number"),
]


@pytest.mark.parametrize(
    ("place", "value", "message"), FORGED, ids=[str(f[:2])[:60] for f in FORGED]
)
def test_a_forged_network_is_refused_before_it_takes_memory(place, value, message, folder):
    alter(*place, to=value)(folder)
    tracemalloc.start()
    with pytest.raises(kl.FileFormatError, match=re.escape(message)):
        kl.load(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 2**20


def test_an_entry_that_is_there_twice_is_refused(folder):
    twice(folder)
    with pytest.raises(kl.FileFormatError, match="it holds an entry twice"):
        kl.load(folder)


def test_a_change_of_any_byte_is_refused(folder):
    draw = np.random.default_rng(0)
    for path in (folder / "model.json", weights_file(folder)):
        content = path.read_bytes()
        for at in draw.choice(len(content), 150, replace=False):
            changed = bytearray(content)
            changed[at] ^= int(draw.integers(1, 256))
            path.write_bytes(changed)
            with pytest.raises(kl.FileFormatError):
                kl.load(folder)
        path.write_bytes(content)


def test_infinite_classes_come_back(tmp_path):
    x = np.linspace(-1.0, 1.0, 60)[:, None]
    model = kl.Categorical(logits=kl.MLP(hidden=(), members=1))
    y = np.where(x[:, 0] > 0.0, np.inf, 1.5)
    fit = kl.fit(model, x, y, solver=kl.Minibatch(epochs=2, batch=32))
    fit.save(tmp_path / "model")
    assert kl.load(tmp_path / "model").classes_ == fit.classes_ == (1.5, np.inf)


def test_code_of_the_users_own_is_not_saved(tmp_path, data):
    model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1, activation=lambda z: z * z))
    fit = kl.fit(model, data, "label", solver=kl.Minibatch(epochs=2, batch=64))
    with pytest.raises(kl.ModelError, match="the user's own code"):
        fit.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
