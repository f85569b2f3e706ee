"""Temperature and vector scaling against SciPy's optimisers on scikit-learn-style data."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

from kullback._core.errors import DataError
from kullback.calibration.scaling import Scaling, fit_temperature, fit_vector


def drawn(rows, classes, sharpness=1.7, seed=0):
    """Logits that are `sharpness` times too large, and labels from the right ones."""
    rng = np.random.default_rng(seed)
    logits = 3.0 * rng.normal(size=(rows, classes))
    right = np.exp(log_softmax(logits / sharpness, axis=1))
    return logits, (right.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1), rng


@pytest.mark.parametrize("rows", [300, 20_000])  # above 8,192 the search starts on a part of them
def test_temperature_against_scipy(rows):
    logits, codes, rng = drawn(rows, 4)
    weight = rng.integers(0, 4, rows).astype(float)

    def loss(scale):
        return -np.average(
            log_softmax(scale * logits, axis=1)[np.arange(rows), codes], weights=weight
        )

    found = fit_temperature(logits, codes, weight)
    outside = minimize_scalar(loss, bounds=(0.1, 3.0), method="bounded", options={"xatol": 1e-9})
    # SciPy's search uses values only, whose rounding leaves eight digits of the argument
    assert 1.0 / found.temperature == pytest.approx(outside.x, rel=1e-6)
    slope = (loss(found.scale[0] * 1.001) - loss(found.scale[0] / 1.001)) / 0.002
    assert abs(slope) < 1e-6
    assert found.converged
    assert found.notes == ()
    np.testing.assert_allclose(
        found.apply(logits), log_softmax(found.scale[0] * logits, axis=1), atol=1e-13
    )


def test_temperature_of_soft_targets_and_impossible_classes():
    logits, _, rng = drawn(400, 3)
    soft = rng.dirichlet(np.ones(3), 400)
    logits[:50, 0] = -np.inf
    soft[:50, 0] = 0.0
    soft /= soft.sum(axis=1, keepdims=True)

    def loss(scale):
        terms = soft * np.where(soft > 0.0, log_softmax(scale * logits, axis=1), 0.0)
        return -terms.sum(axis=1).mean()

    found = fit_temperature(logits, soft)
    outside = minimize_scalar(loss, bounds=(1e-3, 3.0), method="bounded", options={"xatol": 1e-9})
    assert found.scale[0] == pytest.approx(outside.x, rel=1e-5)
    assert np.isneginf(found.apply(logits)[:50, 0]).all()


def test_rows_that_no_scaling_can_save_are_noted():
    logits, codes, _ = drawn(200, 3)
    logits[0, codes[0]] = -np.inf
    found = fit_temperature(logits, codes)
    assert "1 rows gave their label probability 0" in found.notes[0]
    assert found.scale[0] == pytest.approx(fit_temperature(logits[1:], codes[1:]).scale[0])


def test_separated_labels_keep_a_finite_temperature():
    logits = 5.0 * np.eye(3)[[0, 1, 2, 0]]
    sure = fit_temperature(logits, np.array([0, 1, 2, 0]))
    wrong = fit_temperature(-logits, np.array([0, 1, 2, 0]))
    # the minimum of the loss + (log T)²/(2·4), by SciPy
    outside = minimize_scalar(
        lambda s: -log_softmax(np.exp(s) * np.array([5.0, 0, 0]))[0] + s * s / 8, bracket=(-1, 1)
    )
    assert np.log(sure.scale[0]) == pytest.approx(outside.x, abs=1e-7)
    assert 0.0 < wrong.scale[0] < 1.0
    assert "largest logit" in sure.notes[0]
    assert "carry no information" in wrong.notes[0]
    assert np.isfinite(sure.apply(logits)).all()


def test_vector_against_scipy():
    logits, codes, rng = drawn(500, 3)
    logits[:, 1] += 1.0
    weight = rng.random(500)
    size = weight.sum() ** 2 / (weight @ weight)

    def loss(u):
        moved = log_softmax(np.exp(u[:3]) * logits + u[3:], axis=1)
        return -np.average(moved[np.arange(500), codes], weights=weight) + u @ u / (2 * size)

    found = fit_vector(logits, codes, weight)
    outside = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-9})
    # BFGS differentiates numerically: about half the digits
    np.testing.assert_allclose(np.log(found.scale), outside.x[:3], atol=2e-5)
    np.testing.assert_allclose(found.shift, outside.x[3:], atol=2e-5)
    assert found.converged
    assert abs(found.shift.sum()) < 1e-9


def test_vector_exists_for_a_class_without_labels():
    logits, codes, _ = drawn(300, 3)
    found = fit_vector(logits, np.where(codes == 2, 0, codes))
    assert found.converged
    assert np.isfinite(found.shift).all()
    assert found.shift[2] < -1.0


@pytest.mark.parametrize(
    ("logits", "targets", "weight"),
    [
        (np.zeros(3), np.zeros(3), None),
        (np.full((2, 2), np.nan), np.zeros(2), None),
        (np.full((2, 2), -np.inf), np.zeros(2), None),
        (np.zeros((2, 2)), np.array([0, 2]), None),
        (np.zeros((2, 2)), np.zeros(3), None),
        (np.zeros((2, 2)), np.zeros(2), np.zeros(2)),
        (np.zeros((2, 2)), np.zeros(2), np.array([1.0, -1.0])),
    ],
)
def test_refused(logits, targets, weight):
    with pytest.raises(DataError):
        fit_temperature(logits, targets, weight)


def test_a_background_is_laplaces_rule_and_bounds_the_loss_of_a_row():
    logits = np.array([[400.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    shares, weight = np.array([0.5, 0.5, 0.0]), np.ones(98)
    scaling = Scaling(np.ones(1), np.zeros(3)).with_background(shares, weight)
    np.testing.assert_allclose(scaling.background, [0.005, 0.005, 0.0], rtol=1e-15)
    log_q = scaling.apply(logits)
    np.testing.assert_allclose(np.exp(log_q).sum(axis=1), 1.0, rtol=1e-15)
    # 0.99 softmax + 0.01 shares, by hand
    soft = np.exp(logits[1]) / np.exp(logits[1]).sum()
    np.testing.assert_allclose(np.exp(log_q[1]), 0.99 * soft + 0.01 * shares, rtol=1e-14)
    assert log_q[0, 1] == pytest.approx(np.log(0.005), rel=1e-14)
