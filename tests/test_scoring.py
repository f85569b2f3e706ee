"""Cross-entropies of fixed models on a sample, against NumPy and SciPy."""

import math

import numpy as np
import pytest
import scipy.stats

import kullback as kl

X = np.random.default_rng(7).gamma(2.0, 1.5, 70_000)


def test_mean_and_error_are_those_of_the_losses():
    estimate = kl.estimate_cross_entropy(kl.Gamma(shape=2.0, rate=0.5), X)
    losses = -scipy.stats.gamma(2.0, scale=2.0).logpdf(X)
    stderr = losses.std(ddof=1) / math.sqrt(X.size)
    assert float(estimate) == pytest.approx(losses.mean(), rel=1e-12)
    assert estimate.stderr == pytest.approx(stderr, rel=1e-10)
    half = scipy.stats.t(X.size - 1).ppf(0.975) * stderr
    assert estimate.interval == pytest.approx((losses.mean() - half, losses.mean() + half))


def test_a_paired_difference_keeps_only_what_the_models_differ_in():
    first, second = kl.Gamma(shape=2.0, rate=0.66), kl.Gamma(shape=2.0, rate=0.67)
    estimate = kl.estimate_cross_entropy_difference(first, second, X)
    a, b = (scipy.stats.gamma(2.0, scale=1 / rate).logpdf(X) for rate in (0.66, 0.67))
    assert float(estimate) == pytest.approx((b - a).mean(), rel=1e-9)
    assert estimate.stderr == pytest.approx((b - a).std(ddof=1) / math.sqrt(X.size), rel=1e-6)
    assert estimate.stderr < 0.1 * kl.estimate_cross_entropy(first, X).stderr


def test_weights_count_rows():
    rows, counts = np.array([0.5, 1.0, 4.0]), np.array([3, 1, 2])
    model = kl.Exponential(rate=0.7)
    weighted = kl.estimate_cross_entropy(model, rows, weights=counts)
    repeated = kl.estimate_cross_entropy(model, np.repeat(rows, counts))
    assert float(weighted) == pytest.approx(float(repeated), rel=1e-14)
    assert weighted.stderr == pytest.approx(repeated.stderr, rel=1e-12)


def test_files_give_the_same_as_memory(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": X}), path, row_group_size=9_999)
    model = kl.Normal(loc=3.0, scale=2.0)
    streamed = kl.estimate_cross_entropy(model, str(path), "x", engine=kl.StreamingEngine)
    assert float(streamed) == float(kl.estimate_cross_entropy(model, X))


def test_units():
    model = kl.Exponential(rate=0.5)
    nats, bits = (kl.estimate_cross_entropy(model, X, unit=u) for u in ("nats", "bits"))
    assert float(bits) == pytest.approx(float(nats) / math.log(2.0), rel=1e-15)
    assert bits.stderr == pytest.approx(nats.stderr / math.log(2.0), rel=1e-15)


def test_an_impossible_row_costs_infinity_and_is_named():
    estimate = kl.estimate_cross_entropy(kl.Exponential(rate=1.0), [1.0, -2.0, 3.0])
    assert float(estimate) == math.inf
    assert "1 row: row 1 (-2.0)" in str(estimate)


def test_the_impossible_rows_of_either_model_of_one_family_are_found():
    wide, narrow = kl.Uniform(lower=0.0, upper=9.0), kl.Uniform(lower=0.0, upper=2.0)
    assert float(kl.estimate_cross_entropy_difference(wide, narrow, [1.0, 3.0])) == -math.inf
    assert float(kl.estimate_cross_entropy_difference(narrow, wide, [1.0, 3.0])) == math.inf
    with pytest.raises(kl.DataError, match="inf − inf"):
        kl.estimate_cross_entropy_difference(narrow, wide, [1.0, -3.0])


def test_labels():
    estimate = kl.estimate_cross_entropy(
        kl.Categorical(probabilities=[0.25, 0.75]), ["no", "yes", "yes", "yes"]
    )
    assert float(estimate) == pytest.approx(-(math.log(0.25) + 3 * math.log(0.75)) / 4, rel=1e-14)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": kl.Gamma()}, "shape is free"),
        ({"unit": "bit"}, "bits"),
        ({"level": 95.0}, r"level must lie in \(0, 1\), got 95\.0\."),
    ],
)
def test_what_is_wrong_is_said(arguments, words):
    model = arguments.pop("model", kl.Exponential(rate=1.0))
    with pytest.raises(kl.KullbackError, match=words):
        kl.estimate_cross_entropy(model, [1.0, 2.0], **arguments)


def test_numbers_beside_labels_are_refused():
    with pytest.raises(kl.ModelError, match="different outcomes"):
        kl.estimate_cross_entropy_difference(
            kl.Exponential(rate=1.0), kl.Categorical(probabilities=[0.5, 0.5]), [1.0]
        )


def _clustered_error(losses, clusters, weights):
    """√(G/(G − 1) Σ_g (Σ w (ℓ − mean))²)/Σ w, and G: Liang and Zeger (1986) for a mean."""
    deviation = weights * (losses - np.average(losses, weights=weights))
    sums = np.array([deviation[clusters == g].sum() for g in np.unique(clusters)])
    count = sums.size
    return math.sqrt(count / (count - 1) * (sums @ sums)) / weights.sum(), count


@pytest.mark.parametrize("given", ["column", "array", "file"])
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_of_clusters(given, weighted, tmp_path):
    x, site = X[:300], np.repeat([f"s{i}" for i in range(30)], 10)
    w = np.arange(300) % 3 + 1.0 if weighted else np.ones(300)
    data = {"x": x, "site": site, "w": w}
    if given == "file":
        data = tmp_path / "rows.csv"
        rows = zip(x.tolist(), site.tolist(), w.tolist(), strict=True)
        data.write_text("x,site,w\n" + "".join(f"{a!r},{b},{c}\n" for a, b, c in rows))
    clusters = site if given == "array" else "site"
    options = {"weights": "w" if weighted else None, "clusters": clusters}
    first, second = kl.Gamma(shape=2.0, rate=0.66), kl.Gamma(shape=2.5, rate=0.67)
    losses = [-scipy.stats.gamma(a, scale=1 / r).logpdf(x) for a, r in ((2.0, 0.66), (2.5, 0.67))]
    found = kl.estimate_cross_entropy(first, data, "x", **options)
    error, count = _clustered_error(losses[0], site, w)
    mean = np.average(losses[0], weights=w)
    assert float(found) == pytest.approx(mean, rel=1e-12)
    assert found.stderr == pytest.approx(error, rel=1e-10)
    half = scipy.stats.t(count - 1).ppf(0.975) * error
    assert found.interval == pytest.approx((mean - half, mean + half), rel=1e-9)
    assert "30 clusters of rows are independent" in str(found)
    difference = kl.estimate_cross_entropy_difference(first, second, data, "x", **options)
    error, _ = _clustered_error(losses[0] - losses[1], site, w)
    assert difference.stderr == pytest.approx(error, rel=1e-9)


def test_one_cluster_has_no_error():
    with pytest.raises(kl.DataError, match="two clusters or more"):
        kl.estimate_cross_entropy(
            kl.Exponential(rate=1.0), {"x": [1.0, 2.0], "g": [1, 1]}, "x", clusters="g"
        )
