"""Folds by groups and by time, in memory and streamed, against fits by hand to the same rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kullback as kl
from kullback.data import Roles, open_sample

RNG = np.random.default_rng(3)
N = 240
PATIENT = np.array([f"p{k:02d}" for k in RNG.integers(0, 24, N)])
DAY = RNG.permutation(N) // 2  # two rows a day
Y = RNG.gamma(3.0, 2.0, N) * np.exp(0.1 * (RNG.integers(0, 24, N) % 5))
WEIGHT = RNG.integers(1, 4, N).astype(float)
FRAME = pd.DataFrame({"y": Y, "patient": PATIENT, "day": DAY, "w": WEIGHT})
MODELS = [kl.Gamma(), kl.LogNormal(), kl.Weibull()]
NUMBERS = ("held_out", "held_out_error", "difference", "difference_error")


def values(comparison: kl.Comparison) -> dict[str, list[float]]:
    return {e.model: [getattr(e, name) for name in NUMBERS] for e in comparison.models}


def groups_of_folds(folds: int = 5, seed: int = 0) -> list[set[str]]:
    from kullback.data.fold_keys import FoldKey, open_with_key
    from kullback.data.folds import GroupFolds
    from kullback.data.schema import Schema

    sample, key = open_with_key(FRAME, Roles(y="y"), Schema(), FoldKey("groups", "patient"))
    assert key is not None
    drawn = GroupFolds(sample, folds, key, seed)
    return [set(PATIENT[np.concatenate([c.rows for c in p.chunks()])]) for p in drawn.parts]


def by_hand(fitted_on: list[Any], held_out: list[Any]) -> dict[str, np.ndarray]:
    """Each row's loss under the fit to other rows; NaN where it is not scored."""
    out = {model.name: np.full(N, np.nan) for model in MODELS}
    for others, rows in zip(fitted_on, held_out, strict=True):
        for model in MODELS:
            fit = kl.fit(model, Y[others], weights=WEIGHT[others])
            out[model.name][rows] = -np.asarray(fit.model.log_density(Y[rows]))
    return out


def test_a_group_is_in_one_fold_and_errors_count_groups() -> None:
    folds = groups_of_folds()
    assert [len(groups) for groups in folds] == [5, 5, 5, 5, 4]
    assert set.union(*folds) == set(PATIENT)
    held_out = [np.isin(PATIENT, list(groups)) for groups in folds]
    losses = by_hand([~rows for rows in held_out], held_out)
    found = kl.compare(MODELS, FRAME, "y", weights="w", groups="patient")
    total = WEIGHT.sum()
    means = {name: float(WEIGHT @ own / total) for name, own in losses.items()}
    best = min(means, key=means.__getitem__)
    assert found.models[0].model == best
    for entry in found.models:
        own, more = losses[entry.model], losses[entry.model] - losses[best]
        assert entry.held_out == pytest.approx(means[entry.model], rel=1e-9)
        for error, rows in ((entry.held_out_error, own), (entry.difference_error, more)):
            # of the sums over G groups: sqrt(G/(G - 1) sum of squares)/n
            centred = WEIGHT * (rows - WEIGHT @ rows / total)
            sums = np.array([centred[group == PATIENT].sum() for group in np.unique(PATIENT)])
            expected = np.sqrt(sums.size / (sums.size - 1.0) * (sums @ sums)) / total
            assert error == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_each_fold_in_time_is_scored_by_fits_to_earlier_rows() -> None:
    found = kl.compare(MODELS, FRAME, "y", weights="w", time="day", folds=3)
    runs = DAY // (N // 2 // 4)  # 120 days in four runs, of which three are scored
    held_out = [runs == k for k in (1, 2, 3)]
    losses = by_hand([runs < k for k in (1, 2, 3)], held_out)
    scored = runs > 0
    for entry in found.models:
        own = losses[entry.model]
        mean = WEIGHT[scored] @ own[scored] / WEIGHT[scored].sum()
        assert entry.held_out == pytest.approx(float(mean), rel=1e-9)
    assert "3 folds in time" in str(found)


def test_dates_and_text_are_times(tmp_path: Path) -> None:
    expected = values(kl.compare(MODELS, FRAME, "y", time="day"))
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(DAY, unit="D")
    for column in (dates, dates.astype(str), DAY.astype(float)):
        found = kl.compare(MODELS, FRAME.assign(day=column), "y", time="day")
        assert values(found) == expected
        assert values(kl.compare(MODELS, Y, time=np.asarray(column))) == expected
        FRAME.assign(day=column).to_parquet(tmp_path / "rows.parquet")
        assert (
            values(kl.compare(MODELS, str(tmp_path / "rows.parquet"), "y", time="day")) == expected
        )


@pytest.mark.parametrize("role", ["groups", "time"])
def test_the_same_bits_from_arrays_frames_files_and_streams(role: str, tmp_path: Path) -> None:
    column = {"groups": "patient", "time": "day"}[role]
    expected = values(kl.compare(MODELS, FRAME, "y", weights="w", **{role: column}))
    FRAME.to_parquet(tmp_path / "rows.parquet")
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    for data in (str(tmp_path / "rows.parquet"), str(tmp_path / "rows.csv"), dict(FRAME)):
        assert values(kl.compare(MODELS, data, "y", weights="w", **{role: column})) == expected
    array = kl.compare(MODELS, Y, weights=WEIGHT, **{role: FRAME[column].to_numpy()})
    assert values(array) == expected
    for suffix in ("parquet", "csv"):
        roles = Roles(y="y", weights="w", columns=(column,), categorical=(column,))
        stream = open_sample(str(tmp_path / f"rows.{suffix}"), roles, in_memory=False)
        assert values(kl.compare(MODELS, stream, **{role: column})) == expected


def test_the_order_of_the_rows_does_not_move_a_group() -> None:
    order = RNG.permutation(N)
    first = values(kl.compare(MODELS, FRAME, "y", groups="patient"))
    again = values(kl.compare(MODELS, FRAME.iloc[order], "y", groups="patient"))
    for name, numbers in first.items():  # sums in another order: their rounding
        assert again[name] == pytest.approx(numbers, rel=1e-9, abs=1e-9)
    assert groups_of_folds() != groups_of_folds(seed=1)


def test_rows_with_missing_values_are_dropped_with_their_keys() -> None:
    gaps = FRAME.copy()
    gaps.loc[[3, 77], "y"] = np.nan
    found = kl.compare(MODELS, gaps, "y", groups="patient", missing="drop")
    keys = gaps["patient"].to_numpy()
    array = kl.compare(MODELS, gaps["y"].to_numpy(), groups=keys, missing="drop")
    expected = kl.compare(MODELS, gaps.dropna(), "y", groups="patient")
    assert values(found) == values(array)
    for name, numbers in values(expected).items():
        assert values(found)[name] == pytest.approx(numbers, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": "patient", "time": "day"}, "groups and time cannot both part the rows"),
        ({"groups": "patients"}, 'there is no column "patients"'),
        ({"groups": PATIENT[:-1]}, "groups has 239 values and .* 240 rows: every row needs one"),
        ({"groups": np.where(DAY == 7, np.nan, DAY)}, "groups has 2 missing values, the first in"),
        ({"groups": DAY // 50}, "the groups: 3 groups cannot fill 5 folds. Give folds=3"),
        ({"time": DAY // 50}, "the time: 3 distinct times cannot part the rows into 5"),
        ({"folds": 1}, "folds must be at least 2, got 1"),
    ],
)
def test_keys_that_cannot_part_the_rows_are_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(kl.KullbackError, match=message):
        kl.compare(MODELS, FRAME, "y", **arguments)
