"""Columns that are unusual: numbers near the ends of double precision, and numbers as text."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import kullback as kl
from kullback._core.arrays import float64
from kullback.data import Roles, open_sample
from kullback.data.observation import Unobserved
from kullback.models.encoding import learn_encoder

R = np.random.default_rng(0)
X = R.standard_normal(60)
MODEL = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1))
QUICK = kl.Minibatch(epochs=2)


def covariates(table, **options):
    """The table as a network reads it, without an outcome."""
    return open_sample(table, Roles(columns=None, inferred=True, kind=Unobserved(), **options))


@pytest.mark.parametrize(
    "values",
    [
        X * 1e-320,
        np.where(X > 0.0, 1.7e308, -1.7e308),
        np.linspace(-1.7e308, 1.0, 60),
        np.linspace(-0.85e308, 0.85e308, 60),
    ],
)
def test_columns_that_cannot_be_scaled_are_refused(values):
    # their loss was NaN, or they were read as constants
    with pytest.raises(kl.DataError, match=r'column "m" spreads over .*change its unit'):
        kl.fit(MODEL, pd.DataFrame({"x": X, "m": values}), X > 0.0, solver=QUICK)


@pytest.mark.parametrize("factor", [1e-290, 1e-100, 1.0, 1e100, 1e290])
def test_the_unit_of_a_column_does_not_matter(factor):
    encoder = learn_encoder({"m": X * factor}, {}, scaled=True, embeds=True)
    of_one = learn_encoder({"m": X}, {}, scaled=True, embeds=True)
    np.testing.assert_allclose(
        encoder.encode([X * factor]), of_one.encode([X]), rtol=1e-6, atol=1e-7
    )  # in single precision


def test_a_distant_value_is_at_the_limit_and_not_in_the_middle():
    encoder = learn_encoder({"m": X}, {}, scaled=True, embeds=True)
    far = np.array([1e3, 1e160, 1e200, 1.7e308])  # x/√(1 + (x/3)²) → 3; it was 0 from 1e155 on
    for sign in (1.0, -1.0):
        np.testing.assert_allclose(encoder.encode([sign * far])[:, 0], sign * 3.0, rtol=1e-5)
        with float64():
            in_jax = np.asarray(encoder.encode_in_jax([jnp.asarray(sign * far)]))[:, 0]
        np.testing.assert_allclose(in_jax, sign * 3.0, rtol=1e-5)


@pytest.mark.parametrize(
    "write",
    [
        lambda v: f"{v:.2f}",
        lambda v: f"{v:.2f}".replace(".", ","),
        lambda v: f"{50.0 * v:.0f}%",
        lambda v: f"{50.0 * v:.1f} %",
        lambda v: f"{1000.0 + abs(v) * 1e6:,.0f}",
        lambda v: f"{v:.3e}",
    ],
)
def test_measured_numbers_written_as_text_are_no_categories(write):
    table = pd.DataFrame({"m": [write(v) for v in X], "x": X})
    with pytest.raises(kl.DataError, match='column "m" holds numbers written as text, such as'):
        covariates(table)
    assert "m" in covariates(table, categorical=("m",)).schema.categories


@pytest.mark.parametrize(
    "values",
    [
        [f"{k:05d}" for k in range(60)],  # postal codes
        ["1.5", "2.5", "3.5"] * 20,  # few
        [f"1.{k}.2" for k in range(60)],  # versions
        [f"2020-01-{k % 28 + 1:02d}" for k in range(60)],
    ],
)
def test_other_texts_with_digits_are_categories(values):
    assert "m" in covariates(pd.DataFrame({"m": values})).schema.categories
