"""A temperature's own error: what it is, and what allowing for it is worth on few rows."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from kullback.calibration.caution import with_caution
from kullback.calibration.scaling import fit_temperature


def rows(count, told, seed, shares=(0.5, 0.5)):
    """Logits of which a share of 1.5 · `told` is right, and labels."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(count, len(shares)))
    right = np.exp(log_softmax(1.5 * told * signal + np.log(shares), axis=1))
    codes = (right.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return 3.0 * signal + np.log(shares), codes


def cautious(logits, codes, weight=None, shares=(0.5, 0.5)):
    weight = np.ones(len(codes)) if weight is None else weight
    return with_caution(fit_temperature(logits, codes, weight), logits, codes, weight, shares)


def loss(scaling, logits, codes):
    return -np.mean(scaling.apply(logits)[np.arange(len(codes)), codes])


def test_logits_that_tell_nothing_cost_little_more_than_guessing():
    # 100 rows; log 2 is what guessing costs
    plain, allowed = [], []
    for seed in range(100):
        few, many = rows(100, 0.0, seed), rows(4_000, 0.0, 1_000 + seed)
        plain.append(loss(fit_temperature(*few), *many) - np.log(2.0))
        allowed.append(loss(cautious(*few), *many) - np.log(2.0))
    assert np.mean(plain) > 0.004  # half a parameter's ½ · 1/100, as only half the scales are > 0
    assert np.mean(allowed) < 0.6 * np.mean(plain)
    assert np.median(allowed) < 1e-6


def test_logits_that_tell_something_stay_as_they_are():
    few, many = rows(2_000, 1.0, 0), rows(20_000, 1.0, 1)
    plain, allowed = fit_temperature(*few), cautious(*few)
    assert allowed.scale[0] == pytest.approx(plain.scale[0], rel=0.02)
    assert loss(allowed, *many) == pytest.approx(loss(plain, *many), abs=2e-4)


def test_rare_classes_are_guessed_by_their_shares():
    shares = np.array([0.98, 0.02])
    logits, codes = rows(400, 0.0, 0, shares)
    seen = np.bincount(codes, minlength=2) / 400
    found = np.exp(cautious(logits, codes, shares=seen).apply(logits))
    # where nothing is told, towards 0.02 and not towards a half; half a row of each is added
    assert abs(np.mean(found[:, 1]) - seen[1]) < 0.01
    assert found[:, 1].max() < 0.25


def test_how_far_it_goes_back_is_two_variances_of_the_bootstrap():
    logits, codes = rows(300, 0.5, 3)
    plain, allowed = fit_temperature(logits, codes), cautious(logits, codes)
    scaled = plain.scale[0] * logits  # of equal shares, c multiplies the scale
    rng, drawn = np.random.default_rng(0), []
    for _ in range(400):
        part = rng.integers(0, 300, 300)
        own, seen = scaled[part], codes[part]
        drawn.append(
            minimize_scalar(
                lambda c, own=own, seen=seen: (
                    -np.mean(log_softmax(c * own, axis=1)[np.arange(300), seen])
                ),
                bounds=(0.0, 4.0),
                method="bounded",
            ).x
        )
    # 400 draws know a variance to 7 %; the sandwich is its first term in 1/n
    assert 1.0 - allowed.scale[0] / plain.scale[0] == pytest.approx(2.0 * np.var(drawn), rel=0.25)
    np.testing.assert_allclose(allowed.shift, 0.0, atol=1e-12)


def test_a_weight_of_two_is_the_row_twice_in_the_error_too():
    logits, codes = rows(80, 0.5, 1)
    weight = np.repeat([1.0, 3.0], 40)
    found = cautious(logits, codes, weight)
    # Kish: rows of other weights tell less than as many equal ones of the same sum
    kish = weight.sum() ** 2 / (weight @ weight)
    plain = fit_temperature(logits, codes, weight)
    kept = found.scale[0] / plain.scale[0]
    assert 1.0 - kept > 2.0 * 0.5 / kish
    same = cautious(logits, codes, 10.0 * weight)
    np.testing.assert_allclose(same.scale, found.scale, rtol=1e-9)


def test_labels_that_are_all_told_right_leave_the_temperature_alone():
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    plain = fit_temperature(logits, [0, 1, 0])
    found = with_caution(plain, logits, [0, 1, 0], np.ones(3), [0.5, 0.5])
    assert found is plain
