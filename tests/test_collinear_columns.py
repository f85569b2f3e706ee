"""Collinear columns by name, and designs that are nearly singular, against NIST and NumPy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback.models.linear import Linear

CASES = Path(__file__).parent / "reference" / "nist_lls"


def digits(value: object, answer: object) -> float:
    """The smallest number of digits that agree, LRE."""
    value, answer = np.ravel(np.array(value, float)), np.ravel(np.array(answer, float))
    return float(-np.log10(np.max(np.abs(value - answer) / np.abs(answer)) + 1e-17))


def by_powers(name: str) -> tuple[dict, dict[str, np.ndarray], Linear]:
    """A case with a column for each power of x."""
    case = json.loads((CASES / f"{name}.json").read_text())
    table = np.genfromtxt(CASES / case["data"], delimiter=",", names=True)
    intercept = "B0" in case["certified_b"]
    powers = range(1, len(case["certified_b"]) + (not intercept))
    data = {"y": table["y"], **{f"x{k}": table["x"] ** k for k in powers}}
    return case, data, Linear(tuple(f"x{k}" for k in powers), intercept=intercept)


@pytest.mark.parametrize(
    ("name", "of_b", "of_errors"),
    # of Filip the scaled condition is 5e9; of Wampler5 errors are 1e7 times the estimates of 1, so
    # that 14 digits of an error are 6 of an estimate (NumPy's lstsq has 5.8 and QR 5.8)
    [
        ("NoInt1", 9, 9),
        ("Norris", 9, 9),
        ("Wampler3", 9, 9),
        ("Wampler5", 6, 9),
        ("Filip", 7, 7),
    ],
)
def test_certified_regressions(name: str, of_b: int, of_errors: int) -> None:
    case, data, source = by_powers(name)
    fit = kl.fit(kl.Normal(loc=source), data, "y")
    answer = case["derived_gaussian_mle"]
    assert fit.convergence.converged
    assert digits(list(fit.params["loc"].values()), list(case["certified_b"].values())) >= of_b
    assert digits(fit.params["scale"], answer["sigma"]) >= 9
    assert digits(fit.log_likelihood, answer["loglik"]) >= 10
    size = np.sqrt(1.0 - case["p"] / case["n"])  # NIST's divide by n − p
    errors = size * np.array(list(case["certified_sd"].values()), float)
    assert digits(list(fit.stderr["loc"].values()), errors) >= of_errors


def test_a_perfect_fit_has_no_maximum() -> None:
    _, data, source = by_powers("Wampler1")
    fit = kl.fit(kl.Normal(loc=source), data, "y")
    assert fit.convergence.reason == (
        "no maximum: the fit is perfect, and the likelihood is unbounded in scale"
    )
    np.testing.assert_allclose(
        list(fit.params["loc"].values()), 1.0, rtol=1e-9
    )  # all certified estimates


def rows(n: int = 300) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, n))
    group = rng.integers(0, 3, n)
    return {
        "a": a,
        "b": b,
        "g1": 1.0 * (group == 1),
        "g2": 1.0 * (group == 2),
        "y": rng.integers(0, 4, n) + 0.0,
        "w": rng.integers(1, 4, n) + 0.0,
    }


@pytest.mark.parametrize(
    ("third", "said"),
    [
        (lambda r: r["a"], "c = a"),
        (lambda r: r["a"] - 2.5 * r["b"], "c = a − 2.5 × b"),
        (lambda r: np.full(len(r["a"]), 3.0), "c = 3"),
        (lambda r: np.zeros(len(r["a"])), "c = 0"),
        (lambda r: 1.0 - r["g1"] - r["g2"], "c = 1 − g1 − g2"),  # a level of the same factor
        (lambda r: 1e6 - r["b"], "c = 1e+06 − b"),
        (lambda r: -1e-9 * r["g2"], "c = −1e-09 × g2"),
    ],
)
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize(
    "model",
    [
        lambda s: kl.Poisson(rate=s),
        lambda s: kl.Categorical(logits=s),
    ],
)
def test_a_collinear_column_is_named(model, third, said, weights) -> None:
    data = rows()
    data["c"] = third(data)
    source = Linear(("a", "b", "g1", "g2", "c"))
    with pytest.raises(kl.ModelError, match=re.escape(f", {said} in all rows")) as error:
        kl.fit(model(source), data, "y", weights=weights)
    assert 'collinear="drop"' in str(error.value)


def test_dropped_columns_leave_the_fit_without_them(tmp_path: Path) -> None:
    data = rows(3000)
    data["c"] = data["a"] + data["b"]
    data["event"] = 1.0 * (data["b"] < 1.0)
    data["y"] = np.exp(0.3 * data["a"]) * np.random.default_rng(2).weibull(1.5, 3000)
    source = Linear(("a", "b", "c", "g1"), collinear="drop")
    table = tmp_path / "rows.parquet"
    pq.write_table(pa.table(data), table, row_group_size=700)
    expected = kl.fit(kl.Weibull(scale=Linear(("a", "b", "g1"))), data, "y", event="event")
    for given in (data, table):
        fit = kl.fit(kl.Weibull(scale=source), given, "y", event="event")
        assert fit.convergence.converged
        assert fit.convergence.advice == (
            "Of scale, columns were left out that others determine in all rows, and have no "
            "coefficients: c = a + b.",
        )
        assert fit.names == expected.names
        # the design is the same
        np.testing.assert_array_equal(fit.covariance(), expected.covariance())
        np.testing.assert_array_equal(
            list(fit.params["scale"].values()), list(expected.params["scale"].values())
        )
        value = float(kl.estimate_cross_entropy(fit.model, data, "y", event="event"))
        assert value == pytest.approx(fit.cross_entropy, rel=1e-12)
        path = tmp_path / "fit.json"
        fit.save(path)
        again = kl.load(path)
        np.testing.assert_array_equal(again.covariance(), fit.covariance())
        value = float(kl.estimate_cross_entropy(again.model, data, "y", event="event"))
        assert value == pytest.approx(fit.cross_entropy, rel=1e-12)


def test_fewer_rows_than_coefficients() -> None:
    data = {name: values[:3] for name, values in rows().items()}
    data["y"] = np.array([1.0, 0.0, 2.0])
    with pytest.raises(kl.ModelError, match=r"for rate, g1 = .*; g2 = .* in all rows"):
        kl.fit(kl.Poisson(rate=Linear(("a", "b", "g1", "g2"))), data, "y")


@pytest.mark.parametrize("engine", [kl.LocalEngine, kl.StreamingEngine])
def test_a_nearly_collinear_column_keeps_its_coefficient(engine) -> None:
    data = rows(5000)
    rng = np.random.default_rng(3)
    data["c"] = data["a"] + 1e-8 * rng.standard_normal(5000)
    data["y"] = 1.0 + data["b"] + rng.standard_normal(5000)
    fit = kl.fit(kl.Normal(loc=Linear(("a", "b", "c"))), data, "y", engine=engine)
    x = np.stack([np.ones(5000), data["a"], data["b"], data["c"]], axis=1)
    expected, squares, *_ = np.linalg.lstsq(x, data["y"], rcond=None)
    assert fit.convergence.converged
    # the condition is 1e8: eight digits of either
    np.testing.assert_allclose(list(fit.params["loc"].values()), expected, rtol=1e-6)
    assert fit.params["scale"] == pytest.approx(np.sqrt(squares[0] / 5000), rel=1e-10)
    r = np.linalg.qr(x, mode="r")
    errors = fit.params["scale"] * np.linalg.norm(np.linalg.inv(r), axis=1)
    np.testing.assert_allclose(list(fit.stderr["loc"].values()), errors, rtol=1e-6)


def test_a_penalty_tells_coefficients_apart() -> None:
    data = rows()
    data["c"] = data["a"]
    source = Linear(("a", "c"), penalty=kl.models.penalty.Ridge(0.1))
    fit = kl.fit(kl.Poisson(rate=source), data, "y")
    assert fit.convergence.converged
    assert fit.params["rate"]["a"] == pytest.approx(fit.params["rate"]["c"], rel=1e-9)


def test_a_factor_within_a_factor() -> None:
    rng = np.random.default_rng(1)
    city = rng.integers(0, 8, 2000)
    data = {
        "city": np.array(list("abcdefgh"))[city],
        "country": np.array(["x", "y", "z"])[city // 3],
        "v": rng.standard_normal(2000),
    }
    data["y"] = rng.poisson(np.exp(0.3 * data["v"] + 0.1 * city)).astype(float)
    text = "~ country + city + v"
    # d, e and f are the cities of y, and g and h those of z
    said = "city[T.f] = country[T.y] − city[T.d] − city[T.e]; city[T.h] = country[T.z] − city[T.g]"
    with pytest.raises(kl.ModelError, match=re.escape(said)):
        kl.fit(kl.Poisson(rate=text), data, "y")
    fit = kl.fit(kl.Poisson(rate=kl.Formula(text, collinear="drop")), data, "y")
    assert said in fit.convergence.advice[0]
    assert {"city[T.f]", "city[T.h]"}.isdisjoint(fit.params["rate"])
    alone = kl.fit(kl.Poisson(rate="~ city + v"), data, "y")
    # the same space of columns: the same maximum, and the same coefficient of v
    assert fit.log_likelihood == pytest.approx(alone.log_likelihood, rel=1e-13)
    assert fit.params["rate"]["v"] == pytest.approx(alone.params["rate"]["v"], rel=1e-9)
    assert fit.stderr["rate"]["v"] == pytest.approx(alone.stderr["rate"]["v"], rel=1e-8)
    value = float(kl.estimate_cross_entropy(fit.model, data, "y"))
    assert value == pytest.approx(fit.cross_entropy, rel=1e-12)
