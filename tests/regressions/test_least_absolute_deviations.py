"""Medians that are linear in columns: least absolute deviations, and what has no such maximum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl

# K. A. Brownlee (1965), Statistical Theory and Methodology: 21 days of a plant.
STACKLOSS = pd.DataFrame(
    {
        "air": [80, 80, 75, 62, 62, 62, 62, 62, 58, 58, 58, 58, 58, 58, 50, 50, 50, 50, 50, 56, 70],
        "water": [
            *(27, 27, 25, 24, 22, 23, 24, 24, 23, 18, 18, 17, 18, 19, 18, 18, 19, 19, 20, 20, 20),
        ],
        "acid": [
            89,
            88,
            90,
            87,
            87,
            87,
            93,
            93,
            87,
            80,
            89,
            88,
            82,
            93,
            89,
            86,
            72,
            79,
            80,
            82,
            91,
        ],
        "loss": [42, 37, 37, 28, 18, 18, 19, 20, 15, 14, 14, 13, 11, 12, 8, 7, 8, 8, 9, 15, 15],
    }
)
MODEL = kl.Laplace(loc="~ air + water + acid")


def test_brownlees_stack_losses_have_the_coefficients_of_r() -> None:
    fit = kl.fit(MODEL, STACKLOSS, "loss")
    # R's quantreg, rq(stack.loss ~ stack.x, 0.5), as its manual prints them
    r = {"Intercept": -39.68986, "air": 0.83188, "water": 0.57391, "acid": -0.06087}
    assert fit.params["loc"] == pytest.approx(r, abs=5e-6)
    residual = STACKLOSS["loss"] - fit.predict(STACKLOSS)
    assert fit.params["scale"] == pytest.approx(float(np.mean(np.abs(residual))), rel=1e-14)
    assert np.count_nonzero(np.abs(residual) < 1e-12) >= 4  # a plane through four rows
    n = len(STACKLOSS)
    scale = fit.params["scale"]
    assert fit.log_likelihood == pytest.approx(-n * (np.log(2.0 * scale) + 1.0), rel=1e-14)
    assert fit.parameter_count == 5


def test_an_offset_is_subtracted() -> None:
    frame = STACKLOSS.assign(known=0.5 * STACKLOSS["air"])
    fit = kl.fit(kl.Laplace(loc=kl.Formula("~ air + water + acid", offset="known")), frame, "loss")
    plain = kl.fit(MODEL, STACKLOSS, "loss").params["loc"]
    assert fit.params["loc"] == pytest.approx({**plain, "air": plain["air"] - 0.5}, rel=1e-10)


def _rows(n: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x, z = random.normal(size=n), random.exponential(size=n)
    y = 3.0 + 2.0 * x - z + random.laplace(size=n) * (1.0 + z)
    return pd.DataFrame({"x": x, "z": z, "y": y, "w": random.integers(0, 4, n)})


@pytest.mark.parametrize("rows", [1_500, 30_000])  # solved at once, and from rows near the plane
def test_the_plane_is_optimal(rows: int) -> None:
    frame = _rows(rows, seed=rows)
    fit = kl.fit(kl.Laplace(loc="~ x + z"), frame, "y", weights="w")
    design = np.column_stack([np.ones(rows), frame["x"], frame["z"]])
    beta = np.array(list(fit.params["loc"].values()))
    residual, w = frame["y"].to_numpy() - design @ beta, frame["w"].to_numpy()
    on = np.abs(residual) < 1e-11
    on &= w > 0
    assert np.count_nonzero(on) == 3
    # R. Koenker (2005), Quantile Regression, theorem 2.1: the minimum, as these lie within ±w
    others = design[~on].T @ (w[~on] * np.sign(residual[~on]))
    assert np.all(np.abs(np.linalg.solve(design[on].T, -others)) < w[on])


def test_weights_are_copies_and_streams_and_groups_give_the_same_bits(tmp_path: Path) -> None:
    frame = _rows(900, seed=1).assign(g=np.repeat(["a", "b", "c"], 300))
    model = kl.Laplace(loc="~ x + z")
    weighted = kl.fit(model, frame, "y", weights="w")
    copies = kl.fit(model, frame.loc[frame.index.repeat(frame["w"])], "y")
    assert weighted.params["loc"] == pytest.approx(copies.params["loc"], rel=1e-12)
    assert weighted.log_likelihood == pytest.approx(copies.log_likelihood, rel=1e-13)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pandas(frame), path, row_group_size=100)
    assert kl.fit(model, path, "y", weights="w").params == weighted.params
    groups = kl.fit(model, frame, "y", by="g")
    alone = kl.fit(model, frame[frame["g"] == "b"], "y")
    assert groups["b"].params == alone.params


def test_errors_of_medians_are_unknown_and_not_zero(tmp_path: Path) -> None:
    fit = kl.fit(MODEL, STACKLOSS, "loss")
    errors = fit.stderr["loc"]
    assert np.isnan(list(errors.values())).all()
    assert np.isnan(fit.predict(STACKLOSS, interval="confidence").lower).all()
    assert all(np.isnan(effect.stderr) for effect in fit.marginal_effects().effects)
    assert "the plane of least absolute deviations" in str(fit.summary())
    fit.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    assert loaded.params == fit.params
    assert loaded.log_likelihood == fit.log_likelihood


def test_collinear_columns_are_named_or_dropped() -> None:
    frame = STACKLOSS.assign(both=STACKLOSS["air"] + STACKLOSS["water"])
    with pytest.raises(kl.CollinearError, match=r"both = air \+ water"):
        kl.fit(kl.Laplace(loc="~ air + water + both"), frame, "loss")
    dropped = kl.fit(
        kl.Laplace(loc=kl.Formula("~ air + water + both", collinear="drop")), frame, "loss"
    )
    kept = kl.fit(kl.Laplace(loc="~ air + water"), frame, "loss")
    assert dropped.params["loc"] == pytest.approx(kept.params["loc"], rel=1e-12)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (kl.Laplace(loc=kl.Formula("~ x", link="log")), "identity link"),
        (kl.Laplace(loc="~ x", scale="~ z"), "constant scale"),
        (kl.Laplace(loc=kl.Formula("~ x", penalty=kl.Ridge(1.0))), "without a penalty"),
        (kl.Laplace(loc=kl.Function(lambda a, x: a + x, start={"a": 1.0})), "has kinks"),
        (kl.Uniform(lower="~ x"), "the estimate of lower is the minimum"),
        (kl.Uniform(upper="~ x"), "the estimate of upper is the maximum"),
        (kl.Pareto(minimum="~ x"), "the estimate of minimum is the minimum"),
    ],
)
def test_likelihoods_with_kinks_or_jumps_are_refused(model: Any, message: str) -> None:
    frame = _rows(100, seed=2)
    frame["y"] = np.abs(frame["y"]) + 1.0
    with pytest.raises(kl.ModelError, match=message):
        kl.fit(model, frame, "y")


def test_censored_rows_are_refused() -> None:
    frame = _rows(100, seed=2)
    frame["died"] = frame["w"] > 0
    with pytest.raises(kl.ModelError, match="exact rows"):
        kl.fit(kl.Laplace(loc="~ x"), frame, "y", event="died")
