"""Checkpoints: a resumed training has the bits of one that was never interrupted."""

import copy
import json
import os

import numpy as np
import pytest
from sklearn.datasets import load_iris

import kullback as kl
from kullback._core import files
from kullback._core.files import BLANK, sealed
from kullback.training import loop
from kullback.training.checkpoint import Checkpoint

QUICK = {"epochs": 6, "batch": 32, "learning_rate": 0.02}
MODEL = kl.Categorical(logits=kl.MLP(hidden=(8,), members=2, dropout=0.1))


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def interrupted(after):
    def watch(epoch, _epochs, _baseline):
        if epoch.number == after:
            raise KeyboardInterrupt

    return watch


@pytest.mark.parametrize("after", [1, 4])
def test_a_resumed_training_has_the_same_bits(iris, tmp_path, after):
    file = tmp_path / "training.ckpt"
    whole = kl.fit(MODEL, *iris, solver=kl.Minibatch(**QUICK))
    how = kl.Minibatch(**QUICK, checkpoint=file)
    part = kl.fit(MODEL, *iris, solver=how, progress=interrupted(after))
    assert not part.converged
    assert len(part.history) == after
    again = kl.fit(MODEL, *iris, solver=how)
    assert again.history == whole.history
    assert (again.best, again.reason) == (whole.best, whole.reason)
    np.testing.assert_array_equal(again.predict_proba(iris[0]), whole.predict_proba(iris[0]))
    # a finished training is found finished: nothing is trained again
    seen = []
    third = kl.fit(MODEL, *iris, solver=how, progress=lambda *epoch: seen.append(epoch))
    assert seen == []
    np.testing.assert_array_equal(third.predict_proba(iris[0]), whole.predict_proba(iris[0]))
    assert [path.name for path in tmp_path.iterdir()] == ["training.ckpt"]  # no part is left


def test_another_training_is_not_resumed(iris, tmp_path):
    file = tmp_path / "training.ckpt"
    x, y = iris
    kl.fit(MODEL, x, y, solver=kl.Minibatch(**QUICK, checkpoint=file))
    with pytest.raises(kl.ModelError, match="of another training: its options"):
        kl.fit(MODEL, x, y, solver=kl.Minibatch(**QUICK, seed=1, checkpoint=file))
    with pytest.raises(kl.ModelError, match="its rows differ"):
        kl.fit(MODEL, 2.0 * x + x**2, y, solver=kl.Minibatch(**QUICK, checkpoint=file))
    other = kl.Categorical(logits=kl.MLP(hidden=(9,), members=2))
    with pytest.raises(kl.ModelError, match="its model differ"):
        kl.fit(other, x, y, solver=kl.Minibatch(**QUICK, checkpoint=file))


def test_a_damaged_checkpoint_is_refused(iris, tmp_path):
    file = tmp_path / "training.ckpt"
    how = kl.Minibatch(**QUICK, checkpoint=file)
    kl.fit(MODEL, *iris, solver=how)
    content = file.read_bytes()
    for damaged in (content[:-100], b"", b"no checkpoint", content[:8] + b"x" + content[9:]):
        file.write_bytes(damaged)
        with pytest.raises(kl.KullbackError, match="is not a readable checkpoint of a training"):
            kl.fit(MODEL, *iris, solver=how)
    with pytest.raises(kl.KullbackError, match=r"the folder .* does not exist"):
        kl.fit(MODEL, *iris, solver=kl.Minibatch(checkpoint=tmp_path / "no" / "file"))


# ---- damaged and forged files ------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(iris, tmp_path_factory):
    """A checkpoint of a small training, its content, and a function that resumes from it."""
    caught = {}

    class Caught:
        def __init__(self, *args):
            self.checkpoint = Checkpoint(*args)

        def resume(self, state):
            caught.update(checkpoint=self.checkpoint, state=copy.copy(state))

        def write(self, state):
            self.checkpoint.write(state)

    file = tmp_path_factory.mktemp("checkpoint") / "training.ckpt"
    model = kl.Categorical(logits=kl.MLP(hidden=(), members=1))
    how = kl.Minibatch(epochs=2, batch=64, checkpoint=file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "Checkpoint", Caught)
        kl.fit(model, *iris, solver=how)

    def resume():
        state = copy.copy(caught["state"])
        caught["checkpoint"].resume(state)
        return state

    return file, file.read_bytes(), resume


def test_a_change_of_any_byte_is_refused(trained):
    file, content, resume = trained
    state = resume()
    assert [epoch.number for epoch in state.history] == [1, 2]
    flips = np.random.default_rng(0).integers(1, 256, len(content))
    for at, flip in enumerate(flips):
        changed = bytearray(content)
        changed[at] ^= int(flip)
        file.write_bytes(changed)
        with pytest.raises(kl.FileFormatError, match="is not a readable checkpoint"):
            resume()
    for end in range(0, len(content), 97):
        file.write_bytes(content[:end])
        with pytest.raises(kl.FileFormatError, match="is not a readable checkpoint"):
            resume()
    file.write_bytes(content + b"0")
    with pytest.raises(kl.FileFormatError, match="its digest differs"):
        resume()
    file.write_bytes(content)
    assert resume().history == state.history


def parts(content):
    """The header of a checkpoint, and its arrays."""
    from safetensors.numpy import load

    size = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["kullback"]), load(content)


def forged(header, tensors):
    """A checkpoint with a right digest."""
    from safetensors.numpy import save

    return sealed(save(tensors, {"kullback": json.dumps(header | {"sha256": BLANK})}))


GONE = object()
WRONG = [
    GONE,
    None,
    True,
    -1,
    3,
    10**400,
    1e308,
    "",
    "nan",
    "9" * 5000,
    [],
    [[]],
    [1],
    {},
    {"a": 1},
]


def test_a_forged_header_is_refused_or_has_the_losses_that_it_claims(trained):
    file, content, resume = trained
    header, tensors = parts(content)
    places = [(name,) for name in header if name != "sha256"]
    places += [("training", name) for name in header["training"]]
    places += [("history", k) for k in range(2)]
    places += [("history", k, j) for k in range(2) for j in range(4)]
    outcomes = {}
    for place in places:
        for value in WRONG:
            changed = json.loads(json.dumps(header))
            at = changed
            for step in place[:-1]:
                at = at[step]
            if value is GONE:
                del at[place[-1]]
            elif at[place[-1]] == value:
                continue
            else:
                at[place[-1]] = value
            file.write_bytes(forged(changed, tensors))
            outcomes.setdefault(outcome(resume), set()).add(place)
    file.write_bytes(content)
    assert outcomes.keys() == {"unreadable", "another training", "read"}
    assert outcomes["another training"] == {("training", name) for name in header["training"]}
    # a number in the place of a loss, and a history without its last epoch, are states too
    losses = {("history", k, j) for k in range(2) for j in range(1, 4)}
    assert outcomes["read"] == losses | {("history", 1)}


def outcome(resume):
    try:
        state = resume()
    except kl.FileFormatError as error:
        return "unreadable" if "is not a readable checkpoint" in str(error) else str(error)
    except kl.ModelError as error:
        return "another training" if "is of another training" in str(error) else str(error)
    return "read" if state.best_epoch <= len(state.history) <= 2 else "wrong"


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("state.0", None),
        ("state.0", np.zeros(3, np.float32)),
        ("best.0", np.zeros(1)),
        ("more", np.zeros(1)),
        ("scale", np.array([np.nan])),
        ("scale", np.array([-1.0])),
        ("scale", np.ones(2)),
        ("scale", np.array([1.0], np.float32)),
        ("shift", np.zeros(2)),
        ("shift", np.array([0.0, np.inf, 0.0])),
        ("shift", None),
        ("background", np.array([0.5, 0.5, 0.5])),
        ("background", np.array([0.1, -0.1, 0.1])),
        ("background", np.zeros(9)),
    ],
)
def test_forged_arrays_are_refused(name, array, trained):
    file, content, resume = trained
    header, tensors = parts(content)
    assert header["scaled"], "the arrays of a calibration are there"
    changed = {key: value for key, value in tensors.items() if key != name or array is not None}
    file.write_bytes(forged(header, changed | ({} if array is None else {name: array})))
    with pytest.raises(kl.FileFormatError, match=r"it lacks|which this training lacks|cannot have"):
        resume()
    file.write_bytes(content)


def test_a_checkpoint_of_another_version_is_refused(trained):
    file, content, resume = trained
    header, tensors = parts(content)
    file.write_bytes(forged(header | {"version": 2}, tensors))
    message = r"it has version 2 of the format; this Kullback reads version 3\. .* to begin anew\."
    with pytest.raises(kl.FileFormatError, match=message):
        resume()
    file.write_bytes(content)


def test_what_is_not_a_regular_file_is_refused(iris, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**40)  # no block of it is on the disk
    for name in ("pipe", "folder", "large"):
        how = kl.Minibatch(**QUICK, checkpoint=tmp_path / name)
        with pytest.raises(kl.FileFormatError, match=r"not a regular file|larger than any"):
            kl.fit(MODEL, *iris, solver=how)
    with pytest.raises(kl.KullbackError, match="is not a path: embedded null byte"):
        kl.fit(MODEL, *iris, solver=kl.Minibatch(**QUICK, checkpoint="a\0b"))


def test_a_read_only_disk_is_reported(iris, tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(30, "Read-only file system")

    def read_only(path, mode):
        return open(path, mode) if mode == "rb" else refuse()

    for name in ("replace", "unlink", "chmod"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(files, "open", read_only, raising=False)
    how = kl.Minibatch(**QUICK, checkpoint=tmp_path / "file")
    with pytest.raises(kl.KullbackError, match=r"checkpoint=.*file cannot be written: Read-only"):
        kl.fit(MODEL, *iris, solver=how)


def test_the_mode_of_a_checkpoint_is_kept(iris, tmp_path):
    file = tmp_path / "training.ckpt"
    how = kl.Minibatch(**QUICK, checkpoint=file)
    kl.fit(MODEL, *iris, solver=how, progress=interrupted(1))
    file.chmod(0o640)
    kl.fit(MODEL, *iris, solver=how)
    assert file.stat().st_mode & 0o777 == 0o640
