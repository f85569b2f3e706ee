"""``table.pooled_test()``: the statistics of textbooks, and SciPy's chi-squared distribution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import kullback as kl

RNG = np.random.default_rng(23)


def sample(**columns: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame({"k": np.repeat(["a", "b", "c"], [40, 60, 80]), **columns})
    return frame.sample(frac=1.0, random_state=2).reset_index(drop=True)


def test_exponential_rates_against_the_formula() -> None:
    frame = sample(y=RNG.exponential(2.0, 180))
    test = kl.fit(kl.Exponential(), frame, "y", by="k").pooled_test()
    n, mean = frame.groupby("k")["y"].size(), frame.groupby("k")["y"].mean()
    # 2 (n log mean − Σ n_g log mean_g), as log L = −n (log mean + 1)
    expected = 2.0 * (180.0 * np.log(frame["y"].mean()) - np.sum(n * np.log(mean)))
    assert test.statistic == pytest.approx(expected, rel=1e-10)
    assert (test.df, test.distribution) == (2, "chi-squared(2)")
    assert test.p_value == pytest.approx(scipy.stats.chi2.sf(expected, 2), rel=1e-9)
    assert test.hypothesis == "the same Exponential in 3 groups by k"
    assert test.notes == ()


def test_weighted_normal_rows_against_the_formula() -> None:
    frame = sample(y=RNG.normal(0.0, 1.0, 180), w=RNG.integers(0, 4, 180))
    test = kl.fit(kl.Normal(), frame, "y", by="k", weights="w").pooled_test()

    def spread(rows: pd.DataFrame) -> float:  # n log variance
        variance = np.cov(rows["y"], fweights=rows["w"], bias=True)
        return float(rows["w"].sum() * np.log(variance))

    expected = spread(frame) - sum(spread(rows) for _, rows in frame.groupby("k"))
    assert test.statistic == pytest.approx(expected, rel=1e-9)
    assert test.df == 4


def test_fixed_parameters_count_for_no_degrees_of_freedom() -> None:
    frame = sample(y=RNG.weibull(1.5, 180))
    assert kl.fit(kl.Weibull(), frame, "y", by="k").pooled_test().df == 4
    assert kl.fit(kl.Weibull(shape=1.5), frame, "y", by="k").pooled_test().df == 2


@pytest.mark.parametrize("streamed", [False, True])
def test_groups_that_failed_are_excluded_only_if_asked(
    streamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = sample(y=RNG.gamma(2.0, 1.0, 180))
    good = kl.fit(kl.Gamma(), frame, "y", by="k").pooled_test()
    failing = pd.concat([frame, pd.DataFrame({"k": ["bad"] * 3, "y": [-1.0, 2.0, 3.0]})])
    data: object = failing
    if streamed:
        monkeypatch.setattr("kullback.groups.open.IN_MEMORY_BYTES", 0)
        failing.to_parquet(tmp_path / "a.parquet", index=False, row_group_size=50)
        data = tmp_path / "a.parquet"
    table = kl.fit(kl.Gamma(), data, "y", by="k")
    with pytest.raises(kl.KullbackError, match=r"1 group of 4 did not converge: 'bad'\. exclude_"):
        table.pooled_test()
    test = table.pooled_test(exclude_failed=True)
    assert test.statistic == pytest.approx(good.statistic, rel=1e-9)
    assert test.df == good.df
    assert test.notes == ("1 group that did not converge left out",)


def test_a_file_gives_the_test_of_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = sample(y=RNG.weibull(1.5, 180))
    expected = kl.fit(kl.Weibull(), frame, "y", by="k").pooled_test()
    monkeypatch.setattr("kullback.groups.open.IN_MEMORY_BYTES", 0)
    frame.to_parquet(tmp_path / "a.parquet", index=False, row_group_size=50)
    test = kl.fit(kl.Weibull(), tmp_path / "a.parquet", "y", by="k").pooled_test()
    assert test.statistic == pytest.approx(expected.statistic, rel=1e-9)


def test_what_has_no_chi_squared_distribution_is_refused() -> None:
    frame = sample(y=1.0 + RNG.pareto(2.0, 180))
    with pytest.raises(kl.KullbackError, match="minimum is the smallest or largest outcome"):
        kl.fit(kl.Pareto(), frame, "y", by="k").pooled_test()
    with pytest.raises(kl.KullbackError, match="two groups or more that converged, got 1"):
        kl.fit(kl.Gamma(), frame.assign(k=1), "y", by="k").pooled_test()
    small = kl.fit(kl.Gamma(), frame[:12].assign(k=[1, 2] * 6), "y", by="k").pooled_test()
    assert small.notes[0].startswith("2 groups with fewer than 10 rows for each parameter")
