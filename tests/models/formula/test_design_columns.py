"""The columns that formulas have, against formulaic's, SciPy's splines and QR decompositions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix
from scipy.interpolate import BSpline, CubicSpline

import kullback as kl
from kullback.data.open import open_sample
from kullback.engines.local import LocalEngine
from kullback.models.linear import Linear
from kullback.objective.learning import bound
from kullback.objective.model_columns import roles_of, schema_of

ROWS = 60
RNG = np.random.default_rng(7)
FRAME = pd.DataFrame(
    {
        "y": RNG.normal(size=ROWS),
        "x": RNG.uniform(1.0, 5.0, ROWS),
        "z": RNG.normal(size=ROWS),
        "g": np.array(["north", "south", "west"])[RNG.integers(0, 3, ROWS)],
        "h": np.array(["lo", "hi"])[RNG.integers(0, 2, ROWS)],
        "k": RNG.integers(1, 4, ROWS),
        "flag": RNG.random(ROWS) < 0.5,
        "w": RNG.integers(1, 4, ROWS),
    }
)
FRAME["c"] = pd.Categorical(FRAME["h"], categories=["lo", "hi"])


def design(text: str, data: object = FRAME, weights: str | None = None) -> pd.DataFrame:
    """The columns of a formula by their labels."""
    model = kl.Normal(loc=text)
    roles = roles_of((model,), "y", weights=weights, missing="error")
    sample = open_sample(data, roles, schema_of((model,)))
    source = bound(model, sample, LocalEngine).sources["loc"]
    assert isinstance(source, Linear)
    parts = [source.design(chunk.fields).to_dense().T for chunk in sample.chunks()]
    return pd.DataFrame(np.concatenate(parts), columns=list(source.labels))


@pytest.mark.parametrize(
    "text",
    [
        "~ x + g",
        "~ g*h",
        "~ g:h",
        "~ 0 + g + h",
        "~ x:g",
        "~ x*g - 1",
        "~ C(k)*flag + z",
        "~ g/h + log(x)",
        "~ 0 + g:h:x + z",
        "~ I(x**2 - z/x) + exp(z) + sqrt(x)",
        "~ (g + h + C(k))**2",
        "~ 0 + x + g:x",
        "~ h:g:x + g",
    ],
)
def test_columns_span_those_of_formulaic_with_full_rank(text: str) -> None:
    ours = design(text).to_numpy()
    of_formulaic = text.replace("~", "").replace("sqrt", "np.sqrt")
    theirs = model_matrix(of_formulaic, FRAME).to_numpy().astype(float)
    rank = np.linalg.matrix_rank(theirs)
    assert ours.shape[1] == rank == np.linalg.matrix_rank(ours)
    assert np.linalg.matrix_rank(np.hstack([ours, theirs])) == rank


def test_labels_reference_levels_and_values() -> None:
    found = design("~ x + g + flag + c + C(k)")
    assert list(found) == [
        "Intercept",
        "x",
        "g[T.south]",
        "g[T.west]",
        "flag[T.True]",
        "c[T.hi]",
        "k[T.2]",
        "k[T.3]",
    ]
    for label, values in {
        "x": FRAME["x"],
        "g[T.west]": FRAME["g"] == "west",
        "flag[T.True]": FRAME["flag"],
        "c[T.hi]": FRAME["c"] == "hi",
        "k[T.3]": FRAME["k"] == 3,
    }.items():
        np.testing.assert_array_equal(found[label], values.astype(float))
    found = design('~ C(g, reference="west") + C(k, levels=[3, 1, 2]):x')
    assert list(found)[:3] == ["Intercept", "g[T.north]", "g[T.south]"]
    assert list(found)[3:] == ["k[3]:x", "k[1]:x", "k[2]:x"]
    np.testing.assert_array_equal(found["k[1]:x"], FRAME["x"] * (FRAME["k"] == 1))
    # the same column as a number and as categories
    found = design("~ k + C(k):z")
    np.testing.assert_array_equal(found["k"], FRAME["k"])
    assert list(design("~ .", FRAME[["y", "x", "g"]])) == list(design("~ x + g"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("~ C(g, levels=['north', 'south'])", "lack 'west', which occurs"),
        ("~ C(g, reference='east')", 'the reference of C\\(g, reference="east"\\) does not occur'),
        ("~ log(g)", "holds categories such as 'north', of which a formula takes no logarithm"),
        ("~ y + x", 'a formula reads column "y", which is the outcome'),
        ("~ age", 'there is no column "age"'),
        ("~ log(z)", "log\\(z\\) is not a finite number in row"),
        ("~ bs(x, knots=[7])", "the knot 7 lies outside the range of the rows"),
        ("~ poly(flag, 2)", "needs rows with more than 2 different values"),
    ],
)
def test_columns_that_rows_do_not_have_are_refused(text: str, said: str) -> None:
    with pytest.raises(kl.KullbackError, match=said):
        design(text)


def test_centred_and_scaled_columns() -> None:
    found = design("~ center(x) + scale(x) + center(log(x)):z", weights="w")
    copies = np.repeat(FRAME["x"].to_numpy(), FRAME["w"])  # a weight counts equal rows
    np.testing.assert_allclose(found["center(x)"], FRAME["x"] - copies.mean(), rtol=1e-12)
    scaled = (FRAME["x"] - copies.mean()) / copies.std(ddof=1)
    np.testing.assert_allclose(found["scale(x)"], scaled, rtol=1e-12, atol=1e-14)
    logs = np.log(FRAME["x"])
    expected = (logs - np.log(copies).mean()) * FRAME["z"]
    np.testing.assert_allclose(found["center(log(x)):z"], expected, rtol=1e-11)


def test_arithmetic_takes_what_is_learned_from_all_rows() -> None:
    text = (
        "I(center(x)**2) + log(scale(x) + 3) + I(center(x)*scale(z) - x) + scale(exp(center(z)))"
        " + center(log(scale(center(x)*k) + 9)) + bs(scale(x), df=4) + poly(I(center(z)**2), 2)"
    )
    found = design("~ " + text)
    theirs = model_matrix(text.replace("center(x)*k", "I(center(x)*k)"), FRAME)
    assert found.shape == theirs.shape
    # both take means and deviations of the same numbers, in other orders
    np.testing.assert_allclose(found.to_numpy(), theirs.to_numpy(), rtol=1e-11, atol=1e-12)
    with pytest.raises(kl.DataError, match=r"log\(center\(x\)\) is not a finite number in row"):
        design("~ log(center(x))")


def test_polynomials_are_those_of_r() -> None:
    # R's poly: the QR decomposition of the powers of x less its mean, with the signs of R's
    # diagonal; columns are orthonormal
    found = design("~ poly(x, 3)")
    x = FRAME["x"].to_numpy() - FRAME["x"].mean()
    q, r = np.linalg.qr(np.vander(x, 4, increasing=True))
    expected = (q * np.sign(np.diag(r)))[:, 1:]
    labels = [f"poly(x, 3)[{k}]" for k in (1, 2, 3)]
    np.testing.assert_allclose(found[labels], expected, atol=1e-13)


@pytest.mark.parametrize(
    ("text", "inner", "degree", "first"),
    [
        ("bs(x, df=6)", [0.25, 0.5, 0.75], 3, 1),
        ("bs(x, df=5, degree=2, include_intercept=True)", [1 / 3, 2 / 3], 2, 0),
        ("bs(x, df=3)", [], 3, 1),
    ],
)
def test_b_splines_are_those_of_scipy(
    text: str, inner: list[float], degree: int, first: int
) -> None:
    found = design(f"~ 0 + {text}").to_numpy()
    x = FRAME["x"].to_numpy()
    knots = np.quantile(x, inner) if inner else []  # type 7, as R's splines::bs
    ends = [np.full(degree + 1, end) for end in (x.min(), x.max())]
    expected = BSpline.design_matrix(x, np.concatenate([ends[0], knots, ends[1]]), degree)
    np.testing.assert_allclose(found, expected.toarray()[:, first:], atol=1e-13)
    weighted = design("~ 0 + bs(x, df=6)", weights="w")
    copies = np.repeat(x, FRAME["w"])
    knots = np.quantile(copies, [0.25, 0.5, 0.75])
    expected = BSpline.design_matrix(x, np.r_[[x.min()] * 4, knots, [x.max()] * 4], 3)
    np.testing.assert_allclose(weighted, expected.toarray()[:, 1:], atol=1e-13)


def test_natural_splines_are_those_of_scipy() -> None:
    found = design("~ cs(x, df=4)").to_numpy()[:, 1:]
    x = FRAME["x"].to_numpy()
    knots = np.quantile(x, [0.0, 0.25, 0.5, 0.75, 1.0])
    for k in range(1, 5):
        spline = CubicSpline(knots, np.eye(5)[k], bc_type="natural")
        np.testing.assert_allclose(found[:, k - 1], spline(x), atol=1e-13)
    fit = kl.fit(kl.Normal(loc="~ cs(x, df=4)"), FRAME, "y")
    at = np.array([-2.0, -1.0, 0.0, 6.0, 7.0, 8.0])
    beyond = fit.predict(pd.DataFrame({"x": at}))
    np.testing.assert_allclose(np.diff(beyond[:3], 2), 0.0, atol=1e-12)  # linear beyond the knots
    np.testing.assert_allclose(np.diff(beyond[3:], 2), 0.0, atol=1e-12)
    # a coefficient is the difference from the value at the lower end
    ends = fit.predict(pd.DataFrame({"x": knots}))
    estimates = list(fit.params["loc"].values())
    np.testing.assert_allclose(ends[1:] - ends[0], estimates[1:], rtol=1e-9)


def test_pandas_categories_are_read_by_their_codes() -> None:
    text = FRAME["c"].astype(object)
    texts = FRAME.assign(c=pd.Categorical(text, categories=["lo", "hi", "never"]), k=FRAME["k"])
    np.testing.assert_array_equal(design("~ c*x", texts), design("~ c*x"))
    numbers = FRAME.assign(k=pd.Categorical(FRAME["k"], categories=[3, 2, 1]))
    assert list(design("~ k", numbers)) == ["Intercept", "k[T.2]", "k[T.1]"]
    fit = kl.fit(kl.Normal(loc="~ c"), FRAME, "y")
    other = pd.DataFrame({"c": pd.Categorical(["hi", "lo", None], categories=["hi", "lo"])})
    assert np.isnan(fit.predict(other)).tolist() == [False, False, True]
    np.testing.assert_array_equal(
        fit.predict(other.iloc[:2]), fit.predict({"c": np.array(["hi", "lo"])})
    )
    unknown = pd.DataFrame({"c": pd.Categorical(["hi", "mid", "mid"])})
    with pytest.raises(kl.DataError, match=r'holds "mid", .* It is in row 1 and row 2'):
        fit.predict(unknown)


def test_dates_are_no_categories_unless_asked() -> None:
    days = FRAME.assign(day=pd.Timestamp("2026-01-01") + pd.to_timedelta(FRAME["k"], unit="D"))
    with pytest.raises(kl.DataError, match='column "day" holds dates or times'):
        design("~ day", days)
    assert design("~ C(day)", days).shape == (ROWS, 3)
