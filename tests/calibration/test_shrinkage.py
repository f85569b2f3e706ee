"""Shrinking a temperature by its error: the factor, and the loss it saves on few rows."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from kullback.calibration.scaling import fit_temperature
from kullback.calibration.shrinkage import shrink_temperature


def rows(count, signal_share, seed, shares=(0.5, 0.5)):
    """Logits with a best scale of half of `signal_share`, and labels."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(count, len(shares)))
    right = np.exp(log_softmax(1.5 * signal_share * signal + np.log(shares), axis=1))
    codes = (right.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return 3.0 * signal + np.log(shares), codes


def shrunk(logits, codes, weight=None, shares=(0.5, 0.5)):
    weight = np.ones(len(codes)) if weight is None else weight
    return shrink_temperature(fit_temperature(logits, codes, weight), logits, codes, weight, shares)


def loss(scaling, logits, codes):
    return -np.mean(scaling.apply(logits)[np.arange(len(codes)), codes])


def test_uninformative_logits_cost_little_more_than_the_baseline():
    # 100 rows; the baseline costs log 2
    plain, shrunken = [], []
    for seed in range(100):
        few, many = rows(100, 0.0, seed), rows(4_000, 0.0, 1_000 + seed)
        plain.append(loss(fit_temperature(*few), *many) - np.log(2.0))
        shrunken.append(loss(shrunk(*few), *many) - np.log(2.0))
    assert np.mean(plain) > 0.004  # half a parameter's ½ · 1/100, as only half the scales are > 0
    assert np.mean(shrunken) < 0.6 * np.mean(plain)
    assert np.median(shrunken) < 1e-6


def test_informative_logits_are_hardly_shrunk():
    few, many = rows(2_000, 1.0, 0), rows(20_000, 1.0, 1)
    plain, shrunken = fit_temperature(*few), shrunk(*few)
    assert shrunken.scale[0] == pytest.approx(plain.scale[0], rel=0.02)
    assert loss(shrunken, *many) == pytest.approx(loss(plain, *many), abs=2e-4)


def test_rare_classes_are_shrunk_to_their_shares():
    shares = np.array([0.98, 0.02])
    logits, codes = rows(400, 0.0, 0, shares)
    seen = np.bincount(codes, minlength=2) / 400
    found = np.exp(shrunk(logits, codes, shares=seen).apply(logits))
    # uninformative logits shrink towards 0.02, not a half; half a row of each is added
    assert abs(np.mean(found[:, 1]) - seen[1]) < 0.01
    assert found[:, 1].max() < 0.25


def test_the_factor_is_one_less_four_over_the_likelihood_ratio():
    logits, codes = rows(300, 0.5, 3)
    plain, shrunken = fit_temperature(logits, codes), shrunk(logits, codes)

    def total(scale):
        return -np.sum(log_softmax(scale * logits, axis=1)[np.arange(300), codes])

    outside = minimize_scalar(total, bounds=(0.0, 4.0), method="bounded")
    ratio = 2.0 * (total(0.0) - outside.fun)
    # of equal shares, c multiplies the scale
    assert shrunken.scale[0] / plain.scale[0] == pytest.approx(1.0 - 4.0 / ratio, rel=1e-6)
    np.testing.assert_allclose(shrunken.shift, 0.0, atol=1e-12)


def test_one_wrong_row_among_few_does_not_shrink_a_good_network_to_the_baseline():
    # the loss is nearly flat at its minimum, though far below the baseline's
    logits = np.concatenate(
        [np.tile([2.0, 0.0], (8, 1)), np.tile([0.0, 2.0], (8, 1)), [[0.01, 0.0]]]
    )
    codes = np.repeat([0, 1, 1], [8, 8, 1])
    found = shrunk(logits, codes)
    assert loss(found, logits, codes) < 0.2 < np.log(2.0)


def test_rows_count_by_kishs_number_of_them():
    logits, codes = rows(80, 0.5, 1)
    weight = np.repeat([1.0, 3.0], 40)
    found, plain = shrunk(logits, codes, weight), fit_temperature(logits, codes, weight)

    def mean(scale):
        at = log_softmax(scale * logits, axis=1)[np.arange(80), codes]
        return -np.average(at, weights=weight)

    kish = weight.sum() ** 2 / (weight @ weight)
    ratio = 2.0 * kish * (mean(0.0) - mean(plain.scale[0]))
    assert found.scale[0] / plain.scale[0] == pytest.approx(1.0 - 4.0 / ratio, rel=1e-6)
    same = shrunk(logits, codes, 10.0 * weight)
    np.testing.assert_allclose(same.scale, found.scale, rtol=1e-9)


def test_labels_all_predicted_correctly_leave_the_temperature_unchanged():
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    plain = fit_temperature(logits, [0, 1, 0])
    found = shrink_temperature(plain, logits, [0, 1, 0], np.ones(3), [0.5, 0.5])
    assert found is plain
