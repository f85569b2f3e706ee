"""Standard errors where rows of a cluster depend on one another.

The cases are R's (sandwich 3.0.2: sandwich and vcovCL of type HC0 without a correction), with the
same numbers found again by separate code (`refined`). Other expected values are from the
definition: S is the sum of the scores of a cluster, and the covariance H⁻¹ (Σ S S') H⁻¹.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.stats

import kullback as kl
from kullback._core.errors import DataError, KullbackError
from kullback.models.linear import Linear

CASES = Path(__file__).parents[1] / "reference" / "robust"


def read(name: str) -> tuple[dict, dict[str, np.ndarray]]:
    case = json.loads((CASES / f"{name}.json").read_text())
    table = np.genfromtxt(CASES / case["data"], delimiter=",", names=True)
    return case, {column: table[column] for column in table.dtype.names}


def linear(case: dict, parameter: str, **more) -> kl.Formula:
    columns = case["parameters"][parameter]["columns"]
    return kl.Formula("~ " + " + ".join(c for c in columns if c != "const"), **more)


MODELS = {
    "pois_epil_cluster": lambda case: kl.Poisson(rate=linear(case, "mu")),
    "logit_bacteria_cluster": lambda case: kl.Bernoulli(probability=linear(case, "mu")),
    "pois_ships_cluster": lambda case: kl.Poisson(rate=linear(case, "mu", offset="offset")),
    "probit_psid_hc0": lambda case: kl.Bernoulli(probability=linear(case, "mu", link="probit")),
    "zip_biochem_hc0": lambda case: kl.ZeroInflated(
        kl.Poisson(rate=linear(case, "mu")), zero_probability=linear(case, "pi")
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_sandwich_and_clustered_covariances_against_r(name):
    case, rows = read(name)
    fit = kl.fit(MODELS[name](case), rows, "y")
    answer = case["refined"]
    if "zip" in name:  # the probability's coefficients come first here
        order = [4, 5, 0, 1, 2, 3]
        answer = {"cov_hc0": np.array(answer["cov_hc0"])[np.ix_(order, order)]}
    # 1e-8: the refined covariances have 9 digits, by their comparison with R's
    np.testing.assert_allclose(fit.covariance("sandwich"), answer["cov_hc0"], rtol=1e-8)
    if "cluster" in rows:
        found = fit.covariance("clustered", clusters="cluster")
        np.testing.assert_allclose(found, answer["cov_cluster"], rtol=1e-8)
        corrected = fit.with_covariance("clustered", clusters="cluster", correction="CR1")
        errors = np.sqrt(np.diag(corrected.covariance()))
        expected = case["reference"]["se_cluster_g_over_gm1"]  # R's, of 7 digits or more
        np.testing.assert_allclose(errors, expected, rtol=1e-7)


RNG = np.random.default_rng(20)
N = 400
HERD = RNG.integers(0, 60, N)
ROWS = {
    "t": RNG.weibull(1.4, N) * np.exp(0.3 * RNG.standard_normal(60)[HERD]) + 0.01,
    "died": RNG.integers(0, 2, N),
    "w": RNG.integers(1, 4, N).astype(float),
    "herd": np.array([f"herd {h}" for h in HERD], dtype=object),
}


def sums_by_herd(scores: np.ndarray) -> np.ndarray:
    """Σ over the rows of each herd, shape (herds, d)."""
    return np.stack([scores[h == HERD].sum(axis=0) for h in np.unique(HERD)])


@pytest.mark.parametrize("censored", [False, True])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("kind", ["frequency", "sampling"])
@pytest.mark.parametrize("engine", [kl.LocalEngine, kl.StreamingEngine])
def test_one_rate_from_the_definition(censored, weights, kind, engine):
    event = "died" if censored else None
    fit = kl.fit(
        kl.Exponential(),
        ROWS,
        "t",
        event=event,
        weights=weights,
        weight_kind=kind,
        engine=engine,
    )
    w = ROWS["w"] if weights else np.ones(N)
    d = ROWS["died"] if censored else np.ones(N)
    rate = (w * d).sum() / (w * ROWS["t"]).sum()  # events in time
    s = sums_by_herd((w * (d / rate - ROWS["t"]))[:, None])
    expected = (s**2).sum() / ((w * d).sum() / rate**2) ** 2
    found = fit.covariance("clustered", clusters="herd")
    # 1e-10: the estimate's own relative error, squared in nothing
    np.testing.assert_allclose(found, [[expected]], rtol=1e-10)


def differences(f, at: np.ndarray) -> np.ndarray:
    """Central differences of a function of a vector, with values of the rows: (rows, d)."""
    steps = 1e-5 * np.maximum(np.abs(at), 1.0) * np.eye(at.size)
    return np.stack([(f(at + h) - f(at - h)) / (2.0 * h.sum()) for h in steps], axis=1)


def weibull(at: np.ndarray) -> np.ndarray:
    x = scipy.stats.weibull_min(at[0], scale=at[1])
    return np.where(ROWS["died"] == 1, x.logpdf(ROWS["t"]), x.logsf(ROWS["t"]))


def mixture(at: np.ndarray) -> np.ndarray:
    parts = [scipy.stats.norm(at[1], at[2]), scipy.stats.norm(at[3], at[4])]
    logs = [p.logpdf(ROWS["t"]) for p in parts]
    return np.logaddexp(logs[0] + np.log(at[0]), logs[1] + np.log(1.0 - at[0]))


def regression(at: np.ndarray) -> np.ndarray:
    return scipy.stats.norm(at[0] + at[1] * ROWS["w"], at[2]).logpdf(ROWS["t"])


CASES_OF_ROWS = {
    "Weibull, censored": (kl.Weibull(), {"event": "died"}, weibull),
    "mixture": (kl.Mixture(kl.Normal(), components=2), {}, mixture),
    "linear": (kl.Normal(loc=Linear(("w",))), {}, regression),
    "function": (
        kl.Normal(loc=kl.Function(lambda w, a, b: a + b * w, start={"a": 1.0, "b": 0.1})),
        {},
        regression,
    ),
}


@pytest.mark.parametrize("name", CASES_OF_ROWS)
def test_models_against_differences_of_scipys_densities(name):
    model, more, log_density = CASES_OF_ROWS[name]
    fit = kl.fit(model, ROWS, "t", **more)
    # of the two weights the first is free, the other 1 less it
    own = [i for i, n in enumerate(fit.names) if n != "weights[1]"]
    at = np.array([fit.model.coefficients[fit.names[i]] for i in own])
    scores = differences(log_density, at)
    meat = sums_by_herd(scores).T @ sums_by_herd(scores)
    bread = fit.covariance("observed")[np.ix_(own, own)]
    found = fit.covariance("clustered", clusters=HERD)[np.ix_(own, own)]
    # 1e-6: differences of step 1e-5 have about nine digits, and the scores cancel in their sums
    np.testing.assert_allclose(found, bread @ meat @ bread, rtol=1e-6, atol=1e-9 * np.max(found))


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_files_read_in_parts_give_what_arrays_give(tmp_path, suffix, order):
    rows = np.argsort(HERD, kind="stable") if order == "sorted" else np.arange(N)
    table = {name: values[rows] for name, values in ROWS.items()}
    path = tmp_path / f"rows.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table(table), path, row_group_size=70)
    else:
        lines = [",".join(map(str, row)) for row in zip(*table.values(), strict=True)]
        path.write_text("\n".join([",".join(table), *lines]))
    model = kl.Weibull(scale=Linear(("w",)))
    fit = kl.fit(model, str(path), "t", event="died", engine=kl.StreamingEngine)
    same = kl.fit(model, table, "t", event="died")
    np.testing.assert_allclose(
        fit.covariance("clustered", clusters="herd"),
        same.covariance("clustered", clusters=HERD[rows]),
        rtol=1e-9,  # estimates of two fits
    )


def test_a_stream_adds_the_clusters_of_all_its_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(ROWS), path, row_group_size=70)
    fit = kl.fit(kl.Weibull(), str(path), "t")
    assert not fit.problem.sample.in_memory
    same = kl.fit(kl.Weibull(), ROWS, "t")
    found = fit.with_covariance("clustered", clusters="herd")
    assert found.clusters.count == np.unique(HERD).size
    np.testing.assert_allclose(
        found.covariance(), same.covariance("clustered", clusters="herd"), rtol=1e-9
    )


def test_rows_of_one_cluster_each_give_the_sandwich():
    fit = kl.fit(kl.Gamma(), ROWS, "t")
    found = fit.covariance("clustered", clusters=np.arange(N))
    np.testing.assert_allclose(found, fit.covariance("sandwich"), rtol=1e-10)


def test_copies_within_a_cluster_equal_frequency_weights():
    rows = np.repeat(np.arange(N), ROWS["w"].astype(int))
    copies = kl.fit(kl.Gamma(), ROWS["t"][rows])
    weighted = kl.fit(kl.Gamma(), ROWS, "t", weights="w")
    np.testing.assert_allclose(
        copies.covariance("clustered", clusters=HERD[rows]),
        weighted.covariance("clustered", clusters="herd"),
        rtol=1e-9,
    )


def test_everything_of_the_new_fit_uses_the_clusters(tmp_path):
    fit = kl.fit(kl.Weibull(), ROWS, "t").with_covariance("clustered", clusters="herd")
    error = np.sqrt(fit.covariance()[0, 0])
    assert fit.stderr["shape"] == pytest.approx(error, rel=1e-14)
    low, high = fit.interval()["shape"]
    # on the logarithm: √(low high) is the estimate, and the half width 1.96 errors of it
    half = scipy.stats.norm.ppf(0.975) * error / fit.params["shape"]
    assert np.log(high / low) / 2.0 == pytest.approx(half, rel=1e-12)
    z = (fit.params["shape"] - 1.3) / error
    assert fit.test("shape = 1.3").statistic == pytest.approx(z**2, rel=1e-12)
    assert fit.derived(lambda m: m.params["shape"]).stderr == pytest.approx(error, rel=1e-8)
    fit.save(tmp_path / "fit.json")
    assert kl.load(tmp_path / "fit.json") == fit == copy.deepcopy(fit)
    assert kl.load(tmp_path / "fit.json").stderr == fit.stderr
    observed = fit.with_covariance("observed")
    assert observed.stderr == kl.fit(kl.Weibull(), ROWS, "t").stderr
    assert observed.with_covariance("clustered").stderr == fit.stderr
    for refused in (
        lambda: fit.interval(method="profile"),
        lambda: fit.bootstrap(20),
        lambda: fit.goodness_of_fit(20),
        lambda: kl.vuong_test(fit, kl.fit(kl.Gamma(), ROWS, "t")),
    ):
        with pytest.raises(KullbackError, match="takes rows as independent"):
            refused()


def test_few_clusters_are_a_caution():
    three = HERD % 3
    fit = kl.fit(kl.Weibull(), ROWS, "t").with_covariance("clustered", clusters=three)
    assert fit.interval().cautions == fit.clusters.cautions
    assert fit.test("shape = 1").notes == fit.clusters.cautions
    assert "3 clusters are few" in fit.clusters.cautions[0]
    # the scores of the clusters add up to 0: of 2 clusters there is one dimension
    two = fit.with_covariance("clustered", clusters=HERD % 2)
    with pytest.raises(KullbackError, match="2 restrictions cannot be tested together"):
        two.test("shape = 1", "scale = 1")


def test_clusters_that_cannot_be_used():
    fit = kl.fit(kl.Weibull(), ROWS, "t")
    gaps = np.array(HERD, dtype=float)
    gaps[17] = np.nan
    with pytest.raises(DataError, match="the array clusters has no value in row 17"):
        fit.covariance("clustered", clusters=gaps)
    with pytest.raises(DataError, match="herds"):
        fit.covariance("clustered", clusters="herds")
    with pytest.raises(DataError, match=r"has 399 values .* 400 rows"):
        fit.covariance("clustered", clusters=HERD[1:])
    with pytest.raises(KullbackError, match="a single cluster"):
        fit.covariance("clustered", clusters=np.zeros(N))
    with pytest.raises(KullbackError, match="name the clusters"):
        fit.covariance("clustered")
    with pytest.raises(KullbackError, match='are for "clustered"'):
        fit.covariance("sandwich", clusters="herd")
    with pytest.raises(KullbackError, match="correction must be one of"):
        fit.covariance("clustered", clusters="herd", correction="CR2")
    with pytest.raises(DataError, match="were arrays"):
        kl.fit(kl.Weibull(), ROWS["t"]).covariance("clustered", clusters="herd")
    with pytest.raises(KullbackError, match="needs the rows"):
        copy.deepcopy(fit).covariance("clustered", clusters=HERD)
    with pytest.raises(KullbackError, match="class shares"):
        kl.fit(kl.Categorical(), ROWS["died"]).covariance("clustered", clusters=HERD)


def test_keys_of_dropped_rows_are_not_needed():
    t = ROWS["t"].copy()
    t[[3, 50]] = np.nan
    herd = ROWS["herd"].copy()
    herd[3] = None
    kept = np.flatnonzero(~np.isnan(t))
    fit = kl.fit(kl.Gamma(), {"t": t, "herd": herd}, "t", missing="drop")
    same = kl.fit(kl.Gamma(), t[kept])
    np.testing.assert_allclose(
        fit.covariance("clustered", clusters="herd"),
        same.covariance("clustered", clusters=HERD[kept]),
        rtol=1e-12,
    )


def test_rows_near_the_least_double_are_fitted_in_their_own_unit():
    plain = kl.fit(kl.Weibull(), ROWS["t"]).covariance("clustered", clusters=HERD)
    small = kl.fit(kl.Weibull(), ROWS["t"] * 2.0**-600).covariance("clustered", clusters=HERD)
    # the shape has no unit, and the scale's variance that of the outcome, squared: it underflows
    assert small[0, 0] == pytest.approx(plain[0, 0], rel=1e-9)
    assert small[0, 1] == pytest.approx(plain[0, 1] * 2.0**-600, rel=1e-9)
