"""Regressions on equal rows, which are merged, against the same rows as weighted distinct ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl

ROWS = 70_000

# Sums of the same rows in another order, through a solve: rounding of 1e-16 times its condition.
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def rows(seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    g, h, k = rng.integers(0, 4, ROWS), rng.integers(0, 3, ROWS), rng.integers(-2, 3, ROWS)
    rate = np.exp(0.2 * g - 0.1 * h + 0.15 * k)
    return {
        "g": np.array(list("abcd"))[g],
        "h": np.array(["u", "v", "w"])[h],
        "k": k + 0.0,
        "y": np.minimum(rng.poisson(rate * rng.gamma(2.0, 0.5, ROWS)), 30) + 0.0,
        "b": (rng.random(ROWS) < 1.0 / (1.0 + rate)) + 0.0,
        "t": np.ceil(3.0 * rate * rng.weibull(1.5, ROWS)),
        "d": (rng.random(ROWS) < 0.7) + 0.0,
        "w": rng.integers(1, 5, ROWS) + 0.0,
        "v": rng.uniform(0.5, 1.5, ROWS),
    }


DATA = rows()
FORMULA = "~ g + h + k"


def distinct(columns: list[str], weights: str | None) -> pd.DataFrame:
    """The distinct rows by pandas, with their number or weight."""
    table = pd.DataFrame(DATA).assign(n=1.0 if weights is None else DATA[weights])
    return table.groupby(columns, as_index=False)["n"].sum()


MODELS = {
    "Poisson": (lambda: kl.Poisson(rate=FORMULA), "y", {}),
    "negative binomial": (lambda: kl.NegativeBinomial(mean=FORMULA, size="~ k"), "y", {}),
    "logistic": (lambda: kl.Bernoulli(logit=FORMULA), "b", {}),
    "multinomial": (lambda: kl.Categorical(logits="~ g + k"), "h", {}),
    "censored": (lambda: kl.Weibull(scale=FORMULA), "t", {"event": "d"}),
}


@pytest.mark.parametrize(
    ("name", "weights"), list(zip(MODELS, [None, "w", "v", "w", None], strict=True))
)
def test_merged_rows_give_the_same_fit(name: str, weights: str | None) -> None:
    model, y, kind = MODELS[name]
    fit = kl.fit(model(), DATA, y, weights=weights, **kind)
    columns = [*(c for c in "ghk" if c != y), y, *kind.values()]
    table = distinct(columns, weights)
    assert fit.convergence.solver == f"Newton on {len(table):,} distinct rows of {ROWS:,}"
    expected = kl.fit(model(), table, y, weights="n", **kind)
    assert expected.convergence.solver == "Newton"
    assert fit.convergence.converged
    assert fit.convergence.passes == 1
    assert fit.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(fit.covariance(), expected.covariance(), **CLOSE)
    np.testing.assert_allclose(fit.covariance("sandwich"), expected.covariance("sandwich"), **CLOSE)
    # the rows are still those of the data
    assert fit.sample_info.rows == ROWS
    assert float(kl.estimate_cross_entropy(fit.model, DATA, y, weights=weights, **kind)) == (
        pytest.approx(fit.cross_entropy, rel=1e-12)
    )


def test_files_and_memory_give_the_same_bits(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(DATA), path, row_group_size=40_000)
    fits = [
        kl.fit(kl.Poisson(rate=FORMULA), data, "y", weights="v", engine=engine)
        for data, engine in [
            (DATA, kl.LocalEngine),
            (DATA, lambda sample: kl.LocalEngine(sample, threads=3)),
            (path, kl.StreamingEngine),
        ]
    ]
    for fit in fits:
        assert "distinct rows" in fit.convergence.solver
        assert fit.params == fits[0].params
        np.testing.assert_array_equal(fit.covariance(), fits[0].covariance())


@pytest.mark.parametrize(
    "change",
    [
        {"k": DATA["v"]},  # no whole numbers
        {"g": np.arange(ROWS) % 9_000 * 1e-3 // 1e-3},  # too many of them
        {"k": np.where(np.arange(ROWS) == ROWS - 1, 1.5, DATA["k"])},  # found by the last block
    ],
)
def test_rows_that_do_not_repeat_are_not_merged(change: dict[str, np.ndarray]) -> None:
    data = {**DATA, **change}
    data["k"] = data["k"] / np.max(np.abs(data["k"])) if data["k"][-1] != 1.5 else data["k"]
    fit = kl.fit(kl.Poisson(rate=FORMULA), data, "y")
    assert fit.convergence.solver == "Newton"
    assert fit.convergence.converged


def test_sampling_weights_count_the_rows() -> None:
    model = kl.Poisson(rate="~ g + k")
    fit = kl.fit(model, DATA, "y", weights="v", weight_kind="sampling")
    table = pd.DataFrame(DATA)
    # by the definition: H⁻¹ (Σ w² s s') H⁻¹, with dummies by pandas
    x = np.column_stack(
        [np.ones(ROWS), pd.get_dummies(table["g"], drop_first=True).to_numpy(float), DATA["k"]]
    )
    rate = np.exp(x @ np.array(list(fit.params["rate"].values())))
    hessian = x.T @ (x * (DATA["v"] * rate)[:, None])
    scores = x * (DATA["v"] * (DATA["y"] - rate))[:, None]
    inverse = np.linalg.inv(hessian)
    expected = inverse @ (scores.T @ scores) @ inverse
    np.testing.assert_allclose(fit.covariance(), expected, rtol=1e-7)


def test_an_impossible_row_is_named() -> None:
    data = {**DATA, "y": np.where(np.arange(ROWS) == 69_777, -1.0, DATA["y"])}
    with pytest.raises(kl.DataError, match="row 69777"):
        kl.fit(kl.Poisson(rate=FORMULA), data, "y")
