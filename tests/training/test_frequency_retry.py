"""A second training, with frequencies, where the first explained next to nothing."""

import numpy as np
import pytest

import kullback as kl

SIDE = 0.8


def checkerboard(rows, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    return x, np.floor(x / SIDE).sum(axis=1).astype(int) % 2


def model(**options):
    return kl.Categorical(logits=kl.MLP(hidden=(32,), members=1, **options))


def loss(fit, x, y):
    return -np.mean(np.log(fit.predict_proba(x)[np.arange(len(y)), y]))


def test_a_checkerboard_is_learned_by_the_second_network_and_reported(tmp_path):
    x, y = checkerboard(2_000)
    fit = kl.fit(model(), x, y)
    assert loss(fit, *checkerboard(4_000, 1)) < 0.3  # without, 0.693
    assert fit.form.sources["logits"].frequencies == 8
    assert "a first network explained next to nothing (0.69" in fit.reason
    assert "frequencies=8" in fit.summary()
    fit.save(tmp_path / "model")
    np.testing.assert_array_equal(
        kl.load(tmp_path / "model").predict_proba(x[:50]), fit.predict_proba(x[:50])
    )


def test_no_frequencies_are_tried_with_frequencies_0():
    x, y = checkerboard(600)
    fit = kl.fit(model(frequencies=0), x, y, solver=kl.Minibatch(epochs=3))
    assert fit.form.sources["logits"].frequencies == 0
    assert "frequencies" not in fit.reason
    assert "try kl.MLP(frequencies=8)" in fit.convergence.advice[0]


def test_on_noise_the_first_network_is_kept_bit_for_bit():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(400, 3)), rng.integers(0, 2, 400)
    how = kl.Minibatch(epochs=4)
    fit, plain = (
        kl.fit(model(**options), x, y, solver=how) for options in ({}, {"frequencies": 0})
    )
    assert fit.reason == f"{plain.reason}; frequencies=8 did no better"
    np.testing.assert_array_equal(fit.predict_proba(x), plain.predict_proba(x))
    assert "frequencies" not in fit.convergence.advice[0]  # they were tried


def test_no_second_training_where_much_is_explained():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3))
    seen = []
    fit = kl.fit(
        model(),
        x,
        (x[:, 0] > 0.0).astype(int),
        progress=lambda epoch, *_: seen.append(epoch.number),
    )
    assert len(seen) == len(fit.history)


@pytest.mark.parametrize("after", [4, 9])  # in the first training, and in the second
def test_a_second_training_resumes_from_its_checkpoint(tmp_path, after):
    x, y = checkerboard(800)
    how = kl.Minibatch(epochs=6, checkpoint=tmp_path / "training")

    def stop(*_):
        stop.calls += 1
        if stop.calls == after:
            raise KeyboardInterrupt

    stop.calls = 0
    halted = kl.fit(model(), x, y, solver=how, progress=stop)
    assert "interrupted" in halted.reason
    resumed = kl.fit(model(), x, y, solver=how)
    whole = kl.fit(model(), x, y, solver=kl.Minibatch(epochs=6))
    np.testing.assert_array_equal(resumed.predict_proba(x), whole.predict_proba(x))
    assert resumed.reason == whole.reason
