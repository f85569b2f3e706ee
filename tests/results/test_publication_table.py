"""The attributes of maketables' plug-in protocol, as its PluginExtractor reads them."""

from __future__ import annotations

import numpy as np
import pytest

import kullback as kl

pd = pytest.importorskip("pandas")

RNG = np.random.default_rng(2)
N = 120
ROWS = {
    "age": RNG.normal(size=N),
    "site": RNG.integers(0, 50, N),
    "w": RNG.integers(1, 4, N),
    "y": RNG.negative_binomial(2.0, 0.3, N),
}
FIT = kl.fit(kl.NegativeBinomial(mean="~ age"), ROWS, "y")


def test_the_table_of_coefficients():
    table = FIT.__maketables_coef_table__
    assert isinstance(table, pd.DataFrame)
    assert table.index.name == "Coefficient"
    assert list(table.index) == ["Intercept", "age", "size"]
    assert list(table.columns) == ["b", "se", "t", "p", "ci95l", "ci95u"]
    frame = FIT.summary().to_frame().sort_values("source", kind="stable")
    for theirs, ours in (("b", "estimate"), ("se", "stderr"), ("t", "z"), ("p", "p_value")):
        np.testing.assert_array_equal(table[theirs], frame[ours])
    np.testing.assert_array_equal(table["ci95l"], frame["lower"])


def test_names_that_two_sources_have():
    fit = kl.fit(kl.NegativeBinomial(mean="~ age", size="~ 1"), ROWS, "y")
    names = list(fit.__maketables_coef_table__.index)
    assert names == ["mean[Intercept]", "age", "size[Intercept]"]


def test_statistics_and_names():
    stat = FIT.__maketables_stat__
    assert (stat("N"), stat("ll"), stat("aic")) == (N, FIT.log_likelihood, FIT.aic)
    assert stat("pseudo_r2") == FIT.deviance().mcfadden
    assert stat("adj_r2") is None
    assert FIT.__maketables_depvar__ == "y"
    assert FIT.__maketables_default_stat_keys__ == ["N", "ll", "aic", "se_type"]
    by_site = FIT.with_covariance("clustered", clusters="site")
    assert by_site.__maketables_stat__("se_type") == 'by: column "site"'
    info = by_site.__maketables_vcov_info__
    assert info == {"vcov_type": "clustered", "clustervar": 'column "site"'}
    sampled = kl.fit(kl.Poisson(rate="~ age"), ROWS, "y", weights="w", weight_kind="sampling")
    assert sampled.__maketables_stat__("aic") is None
    assert sampled.__maketables_default_stat_keys__ == ["N", "ll", "se_type"]


def test_maketables_itself():
    maketables = pytest.importorskip("maketables", reason="maketables is not installed")
    table = maketables.ETable([FIT, kl.fit(kl.Poisson(rate="~ age"), ROWS, "y")]).df
    assert "age" in str(table)
    assert "Log-likelihood" in str(table)
