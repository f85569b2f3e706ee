"""Sums by NumPy against mpmath at 50 digits, and math.fsum."""

import math

import mpmath as mp
import numpy as np
import pytest

from kullback._core.numpy_sums import ROW, total, total_log_quotient


@pytest.mark.parametrize("size", [1, 7, ROW - 1, ROW, 32 * ROW])
def test_a_total_is_the_sum(size: int) -> None:
    x = np.random.default_rng(size).normal(1.0, 1e3, size)
    # a BLAS adds up 64 numbers in each of 32 places: its error is some roundings of the largest sum
    assert total(x) == pytest.approx(math.fsum(x), rel=0, abs=1e-14 * np.abs(x).sum())


@pytest.mark.parametrize("size", [16, 48, ROW, 3 * ROW])
@pytest.mark.parametrize("m", [1e-9, 0.3, 7.5, 1e9])
def test_logarithms_by_products_are_those_of_each(size: int, m: float) -> None:
    u = 10.0 ** np.random.default_rng(1).uniform(-8, 8, size)
    x = u * m
    found = total_log_quotient(x, m, float(x.min()), float(x.max()))
    with mp.workdps(50):
        expected = sum((mp.log(mp.mpf(v) / mp.mpf(m)) for v in x.tolist()), mp.mpf(0))
        error = abs(mp.mpf(found) - expected)
    assert (
        error <= 2.3e-16 * size * 4
    )  # a rounding of 1 in each of four factors that are multiplied


@pytest.mark.parametrize(
    ("x", "why"),
    [
        (np.full(16, 1.1), "near the point of reference: log1p keeps more digits"),
        (np.full(16, 1e19), "sixteen of them leave the doubles"),
        (np.full(16, 1e-19), "sixteen of them leave the doubles"),
        (np.full(15, 5.0), "no groups of sixteen"),
    ],
)
def test_where_products_lose_digits_there_is_no_sum(x: np.ndarray, why: str) -> None:
    assert total_log_quotient(x, 1.0, float(x.min()), float(x.max())) is None, why


def test_numbers_far_from_one_are_refused_though_near_the_point_of_reference() -> None:
    x = np.full(16, 1e20)
    assert total_log_quotient(x, 1e19, 1e20, 1e20) is None  # sixteen of them are 1e320
