"""Entropies of many samples in one call, against their definitions."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

from kullback._core.errors import DataError
from kullback.information.discrete.estimators import NAMES, entropy_of_counts
from kullback.information.discrete.jackknife import CountGroups

RNG = np.random.default_rng(11)
ZIPF = 1.0 / np.arange(1, 102)
# More than 2^17 counts each, so that they are estimated in several parts.
TABLES = {
    rows: RNG.multinomial(rows, ZIPF / ZIPF.sum(), size=2_700) for rows in (300, 5_000, 300_000)
}


def naive(counts: np.ndarray, method: str) -> tuple[float, float]:
    """Value and standard error by their definitions, with every row left out in turn."""

    def estimate(left: np.ndarray) -> np.ndarray:
        n = left.sum(axis=-1)
        if method == "grassberger":
            sign = np.where(left % 2 == 0, 0.5, -0.5)
            half = 0.5 * np.where(left > 0, left, 1)
            g = scipy.special.digamma(2 * half)
            g += sign * (scipy.special.digamma(half + 0.5) - scipy.special.digamma(half))
            return np.log(n) - np.sum(left * np.where(left > 0, g, 0.0), axis=-1) / n
        if method == "chao-shen":
            coverage = 1 - np.count_nonzero(left == 1, axis=-1) / n
            p = np.where(left > 0, coverage[..., None] * left / n[..., None], 1.0)
            return -np.sum(p * np.log(p) / (1 - (1 - p) ** n[..., None]), axis=-1)
        value = scipy.stats.entropy(left, axis=-1)
        if method == "miller-madow":
            value += (np.count_nonzero(left, axis=-1) - 1) / (2 * n)
        return value

    n, symbols = counts.sum(), np.flatnonzero(counts)
    value = float(estimate(counts))
    left = np.repeat(counts[None, :], symbols.size, axis=0)
    left[np.arange(symbols.size), symbols] -= 1
    if method == "grassberger":  # its error is Miller and Madow's
        values = scipy.stats.entropy(left, axis=-1) + np.count_nonzero(left, axis=-1) / (2 * n - 2)
    else:
        values = estimate(left)
    mean = np.average(values, weights=counts[symbols])
    variance = (n - 1) * np.average((values - mean) ** 2, weights=counts[symbols])
    second = (symbols.size - 1) / (2 * n**2)  # Harris (1975), Efron & Stein (1981)
    variance = max(variance - 2 * second, 0.0) + second
    if method == "grassberger":
        variance += np.count_nonzero(counts > 1) / (4 * n**2)
    return value, float(np.sqrt(variance))


@pytest.mark.parametrize("rows", TABLES)
@pytest.mark.parametrize("method", ["plug-in", "miller-madow", "grassberger", "chao-shen"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint32])
def test_many_samples_against_the_definitions(rows, method, dtype):
    table = TABLES[rows].astype(dtype)
    found = entropy_of_counts(table, method=method)
    for sample in (0, 1_234, 2_699):
        value, stderr = naive(TABLES[rows][sample], method)
        assert found.value[sample] == pytest.approx(value, abs=1e-13)  # a hundred terms' rounding
        # the definition subtracts values of 1e-15 that lie 1/n apart
        assert found.stderr[sample] == pytest.approx(stderr, rel=1e-7)


@pytest.mark.parametrize("rows", TABLES)
def test_groups_hold_the_rows_symbols_and_singletons_of_each_sample(rows):
    table = TABLES[rows]
    groups = CountGroups.of(table)
    np.testing.assert_array_equal(groups.summary.rows, table.sum(axis=1))
    np.testing.assert_array_equal(groups.summary.symbols, (table > 0).sum(axis=1))
    np.testing.assert_array_equal(groups.summary.singletons, (table == 1).sum(axis=1))
    # few samples are estimated in one part, with the same choice
    few = entropy_of_counts(table[:20])
    many = entropy_of_counts(np.tile(table[:20], (135, 1)))
    assert few.method == many.method
    np.testing.assert_allclose(many.value[:20], few.value, rtol=1e-14)
    np.testing.assert_allclose(many.stderr[-20:], few.stderr, rtol=1e-12)


def test_samples_of_other_sizes_are_estimated_the_same_way():
    table = TABLES[300].copy()
    table[5], table[6], table[7], table[8] = 0, 1, 2, 3
    table[5, 3], table[9, 0] = 1, 40
    found = entropy_of_counts(table, method="chao-shen")
    assert found.value[5] == 0.0
    assert np.isnan(found.stderr[5])
    alone = [entropy_of_counts(row, method="chao-shen") for row in table[6:10]]
    np.testing.assert_allclose(found.value[6:10], [f.value for f in alone], rtol=1e-13)
    # equal counts: an error that is rounding, but for its second-order part
    np.testing.assert_allclose(found.stderr[6:10], [f.stderr for f in alone], rtol=1e-9)


@pytest.mark.parametrize("method", NAMES)
def test_columns_of_symbols_that_few_samples_have_change_nothing(method):
    table = TABLES[300]
    wide = np.zeros((len(table), 1_000), dtype=np.int64)
    places = np.sort(RNG.permuted(np.tile(np.arange(1_000), (len(table), 1)), axis=1)[:, :101])
    np.put_along_axis(wide, places, table, axis=1)
    found = entropy_of_counts(wide, method=method, support=1_000)
    some = entropy_of_counts(table[:10], method=method, support=1_000)
    np.testing.assert_allclose(found.value[:10], some.value, rtol=1e-11)  # NSB's agreement
    # shrinkage's series leaves 1e-7 of the error, and NSB's two steps agree to 1e-4
    np.testing.assert_allclose(found.stderr[:10], some.stderr, rtol=1e-6)


def test_wrong_counts_are_named_among_many():
    table = TABLES[300].copy()
    table[2_000, 7] = -3
    with pytest.raises(DataError, match=r"count 7 of sample 2000 is negative \(-3\)"):
        entropy_of_counts(table, method="plug-in")
    table[2_000] = 0
    with pytest.raises(DataError, match="counts of sample 2000 are all zero"):
        entropy_of_counts(table, method="plug-in")
    table[2_000, 7] = 2**40  # too large for a table of counts
    found = entropy_of_counts(table, method="plug-in")
    assert found.value[2_000] == 0.0
    assert found.value[0] == pytest.approx(scipy.stats.entropy(table[0]), abs=1e-13)
