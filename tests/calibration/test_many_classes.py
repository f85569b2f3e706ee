"""Vector scaling of more classes than the Hessian is formed for, against SciPy."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from kullback.calibration.inputs import CalibrationRows
from kullback.calibration.many_classes import search
from kullback.calibration.scaling import fit_vector
from kullback.evaluation.evaluate import evaluate


def drawn(rows, classes, seed=0):
    """Log-probabilities that are 1.7 times too sharp, labels, and weights with zeros."""
    rng = np.random.default_rng(seed)
    z = 2.0 * rng.normal(size=(rows, classes))
    right = np.exp(log_softmax(z, axis=1))
    codes = (right.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return log_softmax(1.7 * z, axis=1), codes, rng.integers(0, 4, rows).astype(float)


def loss_and_slope(at, logits, codes, weight, ridge):
    """The cross-entropy with its prior, and its gradient, from the formulas."""
    classes = logits.shape[1]
    share = weight / weight.sum()
    scale, shift = np.exp(at[:classes]), at[classes:]
    finite = np.where(np.isfinite(logits), logits, 0.0)
    log_q = log_softmax(np.where(np.isfinite(logits), scale * finite + shift, -np.inf), axis=1)
    error = np.exp(log_q)
    error[np.arange(len(codes)), codes] -= 1.0
    error *= share[:, None]
    slope = np.concatenate([scale * (error * finite).sum(axis=0), error.sum(axis=0)])
    loss = -share @ log_q[np.arange(len(codes)), codes]
    return loss + 0.5 * ridge * at @ at, slope + ridge * at


@pytest.mark.parametrize("rows", [400, 9000])  # above 8,192 the search starts on a part of them
@pytest.mark.parametrize("impossible", [False, True])
def test_vector_scaling_against_scipy(rows, impossible):
    logits, codes, weight = drawn(rows, 20)
    codes[codes == 7] = 8  # a class without labels
    if impossible:
        wrong = (codes + 3) % 20
        logits[np.arange(rows), wrong] = np.where(np.arange(rows) % 5, logits[:, 0], -np.inf)
        logits[np.arange(rows), codes] = -1.0
        logits = log_softmax(logits, axis=1)
    ridge = float(weight @ weight) / float(weight.sum()) ** 2
    outside = minimize(
        loss_and_slope,
        np.zeros(40),
        (logits, codes, weight, ridge),
        jac=True,
        method="L-BFGS-B",
        options={"gtol": 1e-9, "ftol": 1e-15, "maxiter": 10_000, "maxfun": 20_000},
    )
    found = fit_vector(logits, codes, weight)
    at = np.concatenate([np.log(found.scale), found.shift])
    value, slope = loss_and_slope(at, logits, codes, weight, ridge)
    assert found.converged
    assert np.abs(slope).max() < 1e-13  # a minimum by the formulas, up to rounding
    assert value <= outside.fun + 1e-14
    # SciPy stops at gradients of about 1e-8, and the prior's curvature is 1/rows or more
    np.testing.assert_allclose(at, outside.x, atol=1e-3)


def test_few_classes_have_the_same_estimate_either_way():
    logits, codes, weight = drawn(500, 5)
    dense = fit_vector(logits, codes, weight)
    rows = CalibrationRows.of(logits, codes, weight)
    at, converged = search(rows, 1.0 / rows.size, np.zeros(10))
    assert converged
    np.testing.assert_allclose(np.exp(at[:5]), dense.scale, rtol=1e-11)
    np.testing.assert_allclose(at[5:], dense.shift, atol=1e-11)


def test_a_report_on_hundreds_of_classes():
    # cubic in the classes this took half a minute for 200 of them
    logits, codes, _ = drawn(500, 300)
    report = evaluate(np.exp(logits), None, codes)
    vector = next(r for r in report.recalibrations if r.name == "vector")
    assert float(vector.gain) > 0.0  # the probabilities are 1.7 times too sharp
    q = np.exp(logits[np.arange(500), codes])
    assert float(report.cross_entropy) == pytest.approx(-np.log(q).mean(), rel=1e-12)
    for group in (report.by_class[codes[0]], report.by_class[codes[1]]):
        mine = codes == group.name
        assert float(group.cross_entropy) == pytest.approx(-np.log(q[mine]).mean(), rel=1e-12)
        right = (logits[mine].argmax(axis=1) == group.name).mean()
        assert group.accuracy == pytest.approx(right, rel=1e-12)


def test_classes_of_soft_labels():
    # by hand: class 1 has the shares 0.5 and 0.25, and is the most probable in the second row
    q = np.array([[0.8, 0.2], [0.4, 0.6]])
    report = evaluate(q, None, np.array([[0.5, 0.5], [0.75, 0.25]]))
    group = report.by_class[1]
    loss = -(0.5 * np.log(0.2) + 0.25 * np.log(0.6)) / 0.75
    assert group.weight == 0.75
    assert float(group.cross_entropy) == pytest.approx(loss, rel=1e-14)
    assert float(group.explained) == pytest.approx(-np.log(0.375) - loss, rel=1e-13)
    assert group.accuracy == pytest.approx(1 / 3, rel=1e-14)
