"""Class weights: losses are of the rows as they are, and a calibration undoes them."""

import math

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.sklearn import NetworkClassifier
from kullback.training.targets import Targets

HOW = {"epochs": 15, "learning_rate": 0.01}


def drawn(count, seed):
    """Rows of two classes, the second rare, of which one of two columns says something."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2))
    return x, (rng.random(count) < 1.0 / (1.0 + np.exp(3.6 - 1.5 * x[:, 0]))).astype(int)


ROWS, NEW = drawn(3_000, 0), drawn(20_000, 1)


def trained(**options):
    model = kl.Categorical(logits=kl.MLP((16,), members=1))
    return kl.fit(model, *ROWS, solver=kl.Minibatch(**HOW, **options))


def loss(fit, rows):
    p = fit.predict_proba(rows[0])
    return -np.mean(np.log(p[np.arange(len(p)), rows[1]]))


@pytest.mark.parametrize("calibration", [None, "temperature", "vector"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_are_of_the_rows_as_they_are(calibration, smoothing):
    other = drawn(1_000, 2)
    fit = trained(
        class_weight="balanced", calibration=calibration, held_out=other, label_smoothing=smoothing
    )
    entropy = scipy.stats.entropy(np.bincount(ROWS[1]) / 3_000)  # SciPy's; log 2 with the weights
    assert fit.baseline == pytest.approx(entropy, rel=1e-14)
    assert fit.decomposition()["entropy of the label"] == pytest.approx(entropy, rel=1e-14)
    # what is reported is the mean loss of the held-out rows, by the predictions for them; networks
    # run in single precision
    assert fit.cross_entropy == pytest.approx(loss(fit, other), rel=1e-5)
    # so new rows cost the same, within four standard errors of the thousand held-out ones
    assert loss(fit, NEW) == pytest.approx(fit.cross_entropy, abs=4 * fit.error)


@pytest.mark.parametrize("calibration", ["temperature", "vector"])
def test_a_calibration_puts_the_probabilities_back(calibration):
    how = {"calibration": calibration, "held_out": drawn(3_000, 2)}
    fit, plain = (trained(class_weight=weight, **how) for weight in ("balanced", None))
    share = NEW[1].mean()
    # within the error of the share of the rows that it was trained on, five times √(p(1 − p)/n)
    assert fit.predict_proba(NEW[0])[:, 1].mean() == pytest.approx(
        share, abs=5 * math.sqrt(share * (1 - share) / 3_000)
    )
    assert loss(fit, NEW) < fit.baseline
    assert loss(fit, NEW) == pytest.approx(loss(plain, NEW), abs=0.01)
    total = np.bincount(ROWS[1])
    weights = 3_000 / (2 * total)  # scikit-learn's "balanced"
    assert f"class weights ({weights[0]:.4g} for 0, {weights[1]:.4g} for 1)" in fit.reason
    assert "probabilities are put back to the shares of the rows" in fit.summary()
    assert "class weights" not in plain.reason


def test_without_a_calibration_the_summary_says_what_the_weights_did():
    fit = trained(calibration=None, class_weight="balanced")
    share = 100 * ROWS[1].mean()
    assert f"among which 1 has 50 % and not {share:.3g} %; with a calibration" in fit.reason
    assert fit.cross_entropy > fit.baseline
    assert "without a calibration the probabilities are those of rows" in " ".join(
        fit.convergence.advice
    )
    # a class of weight 0 cannot be put back
    assert "not trained because of weight 0: 0" in trained(class_weight={0: 0.0}).reason


def targets(y, solver):
    sample = open_sample(y, Roles(outcome="label"))
    return sample, Targets.of(sample, np.ones(len(y)), solver)


def test_weights_multiply_labels_and_not_their_smoothing():
    y = np.repeat([0, 1], [90, 10])
    solver = kl.Minibatch(class_weight={1: 3.0}, label_smoothing=0.4)
    sample, found = targets(y, solver)
    columns, weight = found.columns(sample.fields, np.ones(100))
    # the weighted share 30 / (90 + 30) = 1/4, smoothed: 0.6 / 4 + 0.4 / 2
    assert weight @ columns["y[1]"] / weight.sum() == pytest.approx(0.35, rel=1e-14)
    assert found.class_shares.tolist() == [0.9, 0.1]
    assert found.trained_shares.tolist() == [0.75, 0.25]
    # a network that has nothing to learn from predicts that
    x = np.random.default_rng(3).normal(size=(2_000, 1))
    how = kl.Minibatch(
        epochs=10, class_weight={1: 3.0}, label_smoothing=0.4, calibration=None, seed=1
    )
    model = kl.Categorical(logits=kl.MLP((4,), members=1))
    fit = kl.fit(model, x, np.tile(y, 20), solver=how)
    # within the noise of 200 rows of the rare class
    assert fit.predict_proba(x)[:, 1].mean() == pytest.approx(0.35, abs=0.04)


def test_equal_weights_are_none():
    one = trained(class_weight={0: 2.0, 1: 2.0})
    np.testing.assert_array_equal(one.predict_proba(NEW[0]), trained().predict_proba(NEW[0]))
    assert "class weights" not in one.reason


def test_the_classifier_decides_by_probability_times_weight():
    options = {"hidden": (16,), "members": 1, "random_state": 0, **HOW}
    found = NetworkClassifier(class_weight="balanced", **options).fit(*ROWS)
    p, share = found.predict_proba(NEW[0])[:, 1], ROWS[1].mean()
    # p / (1 − p) > share / (1 − share): balanced weights are in inverse proportion to the shares
    np.testing.assert_array_equal(found.predict(NEW[0]), (p > share).astype(int))
