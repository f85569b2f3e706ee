"""Checkpoints: a resumed training has the bits of one that was never interrupted."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

import kullback as kl

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
