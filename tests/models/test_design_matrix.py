"""Products of designs with numbers and categories, against dense NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kullback.models.design_matrix import DesignMatrix, Indicator

# Sums of at most 40 terms of size 1 in another order: a few units in the last place.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def dense_of(part: Indicator, codes: np.ndarray) -> np.ndarray:
    """The indicator's columns by their definition, from codes with −1 for none."""
    columns = np.zeros((part.size, codes.size))
    for row, code in enumerate(codes):
        if code >= 0:
            columns[code, row] = 1.0 if part.value is None else part.value[row]
    return columns


def design(data: st.DataObject, rows: int) -> tuple[DesignMatrix, np.ndarray]:
    """A design of any parts, and its dense columns."""
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    numbers = rng.standard_normal((draw(st.integers(0, 3)), rows))
    parts, columns = [], [numbers]
    for _ in range(draw(st.integers(0, 3))):
        size = draw(st.integers(1, 4))
        codes = rng.integers(-draw(st.integers(0, 1)), size, rows)
        value = rng.standard_normal(rows) if draw(st.booleans()) else None
        given_codes = codes.astype(float) if draw(st.booleans()) else codes
        parts.append(Indicator(given_codes, size, value))
        columns.append(dense_of(parts[-1], codes))
    dense = np.concatenate(columns)
    order = rng.permutation(len(dense)) if draw(st.booleans()) else None
    expected = dense
    if order is not None:
        expected = np.empty_like(dense)
        expected[order] = dense
    return DesignMatrix(numbers, tuple(parts), order), expected


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_products_equal_those_of_the_dense_design(data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 40))
    (x, dense), (z, other) = design(data, rows), design(data, rows)
    rng = np.random.default_rng(3)
    w, beta = rng.standard_normal(rows), rng.standard_normal(len(dense))
    assert x.shape == dense.shape
    np.testing.assert_array_equal(x.to_dense(), dense)
    np.testing.assert_allclose(x.dot(beta), beta @ dense, **CLOSE)
    np.testing.assert_allclose(x.transpose_dot(w), dense @ w, **CLOSE)
    for _ in range(2):  # the second time from joint codes that are kept
        np.testing.assert_allclose(x.cross(w), (dense * w) @ dense.T, **CLOSE)
    np.testing.assert_allclose(x.cross(w, z), (dense * w) @ other.T, **CLOSE)
    np.testing.assert_allclose(x.cross(w, x), x.cross(w).T, **CLOSE)
    part = slice(rows // 3, rows)
    np.testing.assert_array_equal(x.take(part).to_dense(), dense[:, part])
    counted = rng.random(rows) < 0.5
    np.testing.assert_array_equal(
        x.largest(counted), np.max(np.abs(dense[:, counted]), axis=1, initial=0.0)
    )
    weights = rng.random(rows)
    mean, squares = x.moments(weights, weights.sum())
    expected = np.sum(weights * dense, axis=1) / weights.sum()
    np.testing.assert_allclose(mean, expected, **CLOSE)
    spread = np.sum(weights * (dense - expected[:, None]) ** 2, axis=1)
    np.testing.assert_allclose(squares, spread, **CLOSE)


def test_a_predictor_of_all_rows_is_a_column_of_ones() -> None:
    rng = np.random.default_rng(1)
    x = DesignMatrix(rng.standard_normal((2, 9)), (Indicator(rng.integers(-1, 3, 9), 3),))
    w = rng.standard_normal(9)
    ones = DesignMatrix(np.ones((1, 9)))
    np.testing.assert_allclose(x.cross(w, ones)[:, 0], x.transpose_dot(w), **CLOSE)


def test_numbers_alone_have_the_bits_of_blas() -> None:
    rng = np.random.default_rng(2)
    dense, w = rng.standard_normal((5, 3000)), rng.random(3000)
    x = DesignMatrix(dense)
    np.testing.assert_array_equal(x.cross(w), (dense * w) @ dense.T)
    np.testing.assert_array_equal(x.transpose_dot(w), dense @ w)
    np.testing.assert_array_equal(x.dot(dense[:, 0]), dense[:, 0] @ dense)


@pytest.mark.parametrize("sign", [1.0, -1.0, 0.0])
def test_half_of_a_symmetric_product(sign: float) -> None:
    rng = np.random.default_rng(4)
    dense, w = rng.standard_normal((40, 500)), sign * rng.random(500)
    w[7] = np.nan if sign == 0.0 else w[7]
    x = DesignMatrix(dense)
    np.testing.assert_allclose(x.cross(w), (dense * w) @ dense.T, **CLOSE)


@pytest.mark.parametrize("rows", [2_048, 2_176, 2_177, 4_096, 65_536])
def test_a_product_is_the_sum_of_those_of_parts_of_the_rows(rows: int) -> None:
    rng = np.random.default_rng(3)
    dense, other = rng.normal(size=(21, rows)), rng.normal(size=(20, rows))
    weights = rng.normal(size=rows)
    x, z = DesignMatrix(dense), DesignMatrix(other)
    # by its definition; errors of sums of so many numbers of order one
    np.testing.assert_allclose(
        x.cross(weights), np.einsum("in,n,jn->ij", dense, weights, dense), rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(
        x.cross(weights, z), np.einsum("in,n,jn->ij", dense, weights, other), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("code", [-2, 3])
def test_a_code_of_no_column_is_an_error(code: int) -> None:
    with pytest.raises(ValueError, match="codes must lie from -1 to 2"):
        Indicator(np.array([0, code]), 3)
