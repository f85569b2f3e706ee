"""A temperature's own error: what it is, and what allowing for it is worth on few rows."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from kullback.calibration.scaling import fit_temperature
from kullback.calibration.shrinkage import shrink_temperature


def rows(count, told, seed, shares=(0.5, 0.5)):
    """Logits of which a share of 1.5 · `told` is right, and labels."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(count, len(shares)))
    right = np.exp(log_softmax(1.5 * told * signal + np.log(shares), axis=1))
    codes = (right.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return 3.0 * signal + np.log(shares), codes


def cautious(logits, codes, weight=None, shares=(0.5, 0.5)):
    weight = np.ones(len(codes)) if weight is None else weight
    return shrink_temperature(fit_temperature(logits, codes, weight), logits, codes, weight, shares)


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


def test_how_far_it_goes_back_is_four_over_the_likelihood_ratio():
    logits, codes = rows(300, 0.5, 3)
    plain, allowed = fit_temperature(logits, codes), cautious(logits, codes)

    def total(scale):
        return -np.sum(log_softmax(scale * logits, axis=1)[np.arange(300), codes])

    outside = minimize_scalar(total, bounds=(0.0, 4.0), method="bounded")
    ratio = 2.0 * (total(0.0) - outside.fun)
    # of equal shares, c multiplies the scale
    assert allowed.scale[0] / plain.scale[0] == pytest.approx(1.0 - 4.0 / ratio, rel=1e-6)
    np.testing.assert_allclose(allowed.shift, 0.0, atol=1e-12)


def test_one_wrong_row_among_few_does_not_make_a_good_network_guess():
    # its curve is nearly flat where it is best, which says nothing of guessing
    logits = np.concatenate(
        [np.tile([2.0, 0.0], (8, 1)), np.tile([0.0, 2.0], (8, 1)), [[0.01, 0.0]]]
    )
    codes = np.repeat([0, 1, 1], [8, 8, 1])
    found = cautious(logits, codes)
    assert loss(found, logits, codes) < 0.2 < np.log(2.0)


def test_rows_count_by_kishs_number_of_them():
    logits, codes = rows(80, 0.5, 1)
    weight = np.repeat([1.0, 3.0], 40)
    found, plain = cautious(logits, codes, weight), fit_temperature(logits, codes, weight)

    def mean(scale):
        at = log_softmax(scale * logits, axis=1)[np.arange(80), codes]
        return -np.average(at, weights=weight)

    kish = weight.sum() ** 2 / (weight @ weight)
    ratio = 2.0 * kish * (mean(0.0) - mean(plain.scale[0]))
    assert found.scale[0] / plain.scale[0] == pytest.approx(1.0 - 4.0 / ratio, rel=1e-6)
    same = cautious(logits, codes, 10.0 * weight)
    np.testing.assert_allclose(same.scale, found.scale, rtol=1e-9)


def test_labels_that_are_all_told_right_leave_the_temperature_alone():
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    plain = fit_temperature(logits, [0, 1, 0])
    found = shrink_temperature(plain, logits, [0, 1, 0], np.ones(3), [0.5, 0.5])
    assert found is plain
