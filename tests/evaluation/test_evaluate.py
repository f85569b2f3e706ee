"""The loss report against scikit-learn and simulations with a known truth; its errors."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import xlogy
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

import kullback.evaluation.evaluate as module
from kullback._core.errors import DataError, KullbackError
from kullback.evaluation.evaluate import evaluate


def drawn(rows, classes, sharpness=1.0, seed=0):
    """Probabilities of a classifier `sharpness` times overconfident, labels, and the truth."""
    rng = np.random.default_rng(seed)
    z = 2.0 * rng.normal(size=(rows, classes))
    truth = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    given = np.exp(sharpness * z) / np.exp(sharpness * z).sum(axis=1, keepdims=True)
    codes = (truth.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return given, codes, truth, rng


def test_cross_entropy_is_scikit_learns():
    q, codes, _, rng = drawn(400, 3)
    weight = rng.random(400)
    report = evaluate(q, y=codes, weights=weight)
    outside = log_loss(codes, q, sample_weight=weight)
    assert float(report.cross_entropy) == pytest.approx(outside, rel=1e-12)
    share = np.bincount(codes, weights=weight) / weight.sum()
    baseline = log_loss(codes, np.tile(share, (400, 1)), sample_weight=weight)
    assert float(report.label_entropy) == pytest.approx(baseline, rel=1e-12)
    assert float(report.explained) == pytest.approx(baseline - outside, rel=1e-10)
    right = np.average(q.argmax(axis=1) == codes, weights=weight)
    assert report.accuracy == pytest.approx(right, rel=1e-12)
    bits = report.to("bits")
    assert float(bits.cross_entropy) == pytest.approx(outside / math.log(2), rel=1e-12)
    assert bits.losses.mean() == pytest.approx(report.losses.mean() / math.log(2), rel=1e-12)
    assert report.losses[report.worst(1)[0]] == report.losses.max()


def test_binary_probabilities_are_of_the_second_class():
    _, _, _, rng = drawn(1, 2)
    q = rng.random(300)
    y = np.where(rng.random(300) < q, "yes", "no")
    report = evaluate(q, y=y)
    assert report.classes == ("no", "yes")
    assert float(report.cross_entropy) == pytest.approx(log_loss(y, q), rel=1e-12)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_label_of_probability_zero_costs_infinity_and_is_named(kind):
    q = np.array([[0.8, 0.2], [0.3, 0.7], [1.0, 0.0]], dtype=kind)
    y = np.array([0, 1, 1])
    # log_loss counts the third row as −log of the type's epsilon
    outside = log_loss(y, q) * 3 + math.log(0.8) + math.log(0.7)
    assert outside == pytest.approx(-math.log(np.finfo(kind).eps), abs=1e-3)
    report = evaluate(q, y=y)
    assert float(report.cross_entropy) == math.inf
    assert report.impossible == (2,)
    assert report.worst(1) == (2,)
    assert any("row 2" in note for note in report.notes)
    assert "inf" in str(report)


def test_recalibration_recovers_the_right_probabilities():
    q, codes, truth, _ = drawn(4000, 3, sharpness=2.0)
    report = evaluate(q, y=codes)
    best = log_loss(codes, truth)
    found = {r.name: r for r in report.recalibrations}
    assert set(found) == {"none", "temperature", "vector", "isotonic"}
    # one number from 3,200 rows: a loss of about 1/(2n) in each fold, and chance of that size
    assert float(found["temperature"].cross_entropy) == pytest.approx(best, abs=1e-3)
    assert float(report.refinement) + float(report.calibration) == pytest.approx(
        float(report.cross_entropy), rel=1e-12
    )
    assert report.calibration.interval[0] > 0.0


def test_calibrated_probabilities_gain_nothing():
    q, codes, _, _ = drawn(1000, 3, seed=3)
    report = evaluate(q, y=codes)
    assert float(report.calibration) >= 0.0
    if float(report.calibration) == 0.0:
        assert report.calibration.interval[0] == 0.0
        assert float(report.refinement) == float(report.cross_entropy)
    low, high = report.calibration.interval
    assert high - low < 0.02
    assert low < 0.005


def test_intervals_hold_the_truth(monkeypatch):
    # truth: the expectation of −log q over labels, by the average of −Σ p log q over many rows
    monkeypatch.setattr(module, "reliability_curves", lambda *_, **__: ())
    monkeypatch.setattr(
        module,
        "cross_fitted",
        lambda logs, share, *_: {"none": -(share * logs).sum(axis=1)},
    )
    q, _, truth, _ = drawn(200_000, 2, sharpness=1.5, seed=9)
    expected = -xlogy(truth, q).sum(axis=1).mean()
    held = explained = 0
    for seed in range(150):
        q, codes, _, _ = drawn(200, 2, sharpness=1.5, seed=seed)
        report = evaluate(q, y=codes, seed=seed)
        held += report.cross_entropy.interval[0] <= expected <= report.cross_entropy.interval[1]
        gain = math.log(2) - expected  # both labels are equally likely
        explained += report.explained.interval[0] <= gain <= report.explained.interval[1]
    # 95% of 150 is 142.5 ± 2.7; skewed losses cost percentile intervals of 200 rows a few points
    assert held >= 133
    assert explained >= 133


@pytest.mark.parametrize(("votes", "tolerance"), [(5, 0.03), (50, 0.01)])
def test_irreducible_loss_of_votes(votes, tolerance):
    q, _, truth, rng = drawn(3000, 3, sharpness=1.5)
    counts = rng.multinomial(votes, truth)
    report = evaluate(q, y=counts)
    known = -xlogy(truth, truth).sum(axis=1).mean()
    # tolerance: the bias that was measured for such labels, and the spread of 3,000 rows
    assert float(report.irreducible_loss) == pytest.approx(known, abs=tolerance)
    excess = (xlogy(truth, truth) - xlogy(truth, q)).sum(axis=1).mean()
    assert float(report.relative_entropy) == pytest.approx(excess, abs=tolerance + 0.02)
    proportion = counts / votes
    assert float(report.cross_entropy) == pytest.approx(
        -(proportion * np.log(q)).sum(axis=1).mean(), rel=1e-12
    )


def test_irreducible_loss_of_soft_labels_is_exact():
    q, _, truth, _ = drawn(500, 3, sharpness=1.5)
    report = evaluate(q, y=truth)
    assert float(report.irreducible_loss) == pytest.approx(
        -xlogy(truth, truth).sum(axis=1).mean(), rel=1e-12
    )
    excess = (xlogy(truth, truth) - xlogy(truth, q)).sum(axis=1).mean()
    assert float(report.relative_entropy) == pytest.approx(excess, rel=1e-9)


def test_irreducible_loss_of_equal_rows_and_of_neighbours():
    rng = np.random.default_rng(4)
    x = rng.integers(0, 8, 4000)
    chance = np.linspace(0.05, 0.95, 8)[x]
    y = (rng.random(4000) < chance).astype(int)
    known = -(xlogy(chance, chance) + xlogy(1 - chance, 1 - chance)).mean()
    report = evaluate(chance, {"x": x}, y)
    assert "leaf replicates" in report.irreducible_loss.method
    assert float(report.irreducible_loss) == pytest.approx(
        known, abs=0.01
    )  # its standard error is 0.004
    z = rng.normal(size=4000)
    chance = 1 / (1 + np.exp(-2 * z))
    y = (rng.random(4000) < chance).astype(int)
    known = -(xlogy(chance, chance) + xlogy(1 - chance, 1 - chance)).mean()
    report = evaluate(chance, z[:, None], y)
    assert "estimate" in report.irreducible_loss.method
    assert float(report.irreducible_loss) == pytest.approx(
        known, abs=3 * float(report.irreducible_loss.stderr)
    )
    wide = evaluate(chance, rng.normal(size=(4000, 9)), y)
    assert wide.irreducible_loss is None
    assert "9 columns" in wide.irreducible_loss_note
    assert "give X" in evaluate(chance, y=y).irreducible_loss_note


def test_reliability_curves():
    q, codes, _, rng = drawn(150, 3)
    weight = rng.random(150)
    report = evaluate(q, y=codes, weights=weight)
    assert [curve.name for curve in report.curves] == [None, 0, 1, 2]
    for k, curve in enumerate(report.curves[1:]):
        outside = IsotonicRegression().fit(q[:, k], codes == k, weight).predict(q[:, k])
        order = np.argsort(q[:, k])
        np.testing.assert_allclose(curve.forecast, q[order, k], rtol=1e-15)
        np.testing.assert_allclose(curve.frequency, outside[order], atol=1e-12)
        assert (np.diff(curve.low) >= 0).all()
        assert (curve.low <= curve.high).all()
    # of calibrated forecasts about 95% of the curve lies in the band; of sharpened ones much less
    q, codes, truth, _ = drawn(20_000, 3)
    pooled = evaluate(truth, y=codes).curves[0]
    inside = (pooled.low <= pooled.frequency) & (pooled.frequency <= pooled.high)
    assert inside.mean() > 0.8
    assert len(pooled.forecast) <= 200
    assert pooled.weight.sum() == pytest.approx(60_000)
    sharp, codes, _, _ = drawn(20_000, 3, sharpness=2.0)
    pooled = evaluate(sharp, y=codes).curves[0]
    assert ((pooled.low <= pooled.frequency) & (pooled.frequency <= pooled.high)).mean() < 0.5


def test_classes_and_slices():
    q, codes, _, rng = drawn(600, 3)
    frame = pd.DataFrame({"colour": rng.choice(["red", "blue"], 600), "size": rng.normal(size=600)})
    report = evaluate(q, frame, codes, slices=["colour", "size"])
    for k, group in enumerate(report.by_class):
        mine = codes == k
        assert group.rows == mine.sum()
        assert float(group.cross_entropy) == pytest.approx(-np.log(q[mine, k]).mean(), rel=1e-12)
    blue, red = report.slices["colour"]
    assert (blue.name, red.name) == ("blue", "red")
    mine = (frame["colour"] == "red").to_numpy()
    outside = log_loss(codes[mine], q[mine])
    assert float(red.cross_entropy) == pytest.approx(outside, rel=1e-12)
    share = np.bincount(codes) / 600
    assert float(red.explained) == pytest.approx(-np.log(share[codes[mine]]).mean() - outside)
    loss = -np.log(q[mine, codes[mine]])
    error = loss.std(ddof=1) / math.sqrt(mine.sum())
    assert float(red.cross_entropy.stderr) == pytest.approx(error, rel=1e-9)
    assert [group.rows for group in report.slices["size"]] == [150, 150, 150, 150]


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_a_model_with_the_label_in_the_table(library):
    rng = np.random.default_rng(0)
    table = {"a": rng.normal(size=300), "b": rng.normal(size=300), "w": rng.random(300)}
    table["kind"] = np.where(table["a"] + rng.normal(size=300) > 0, "up", "down").tolist()
    y = table["kind"]
    frame = library(table)
    model = LogisticRegression().fit(frame[["a", "b"]], y)
    report = evaluate(model, frame, "kind", weights="w")
    outside = log_loss(y, model.predict_proba(frame[["a", "b"]]), sample_weight=table["w"])
    assert float(report.cross_entropy) == pytest.approx(outside, rel=1e-12)
    assert (report.label, report.classes) == ("kind", ("down", "up"))


def test_one_class_and_an_absent_class():
    q, codes, _, _ = drawn(60, 3)
    one = evaluate(q, y=np.zeros(60, dtype=int))
    assert float(one.label_entropy) == 0.0
    assert any("one class" in note for note in one.notes)
    assert one.by_class[1].rows == 0
    assert math.isnan(float(one.by_class[1].cross_entropy))
    assert any("no row is of class 1, 2" in note for note in one.notes)
    two = evaluate(q[:1], y=codes[:1], classes=[0, 1, 2])
    assert float(two.cross_entropy) == pytest.approx(-math.log(q[0, codes[0]]))
    assert any("too few rows" in note for note in two.notes)
    assert str(two)


def test_rows_of_weight_zero_do_not_count():
    q, codes, _, _ = drawn(200, 3)
    weight = np.ones(200)
    weight[50:] = 0.0
    q[60] = [1.0, 0.0, 0.0]
    codes[60] = 1
    report = evaluate(q, y=codes, weights=weight)
    assert float(report.cross_entropy) == pytest.approx(
        log_loss(codes[:50], q[:50], labels=range(3))
    )
    assert report.impossible == ()


GOOD = np.full((4, 2), 0.5)
Y = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("probabilities", "y", "options", "message"),
    [
        (np.array([[0.5, 0.4], [0.5, 0.5]]), Y[:2], {}, "do not sum to 1.*row 0"),
        (np.array([[0.5, np.nan], [0.5, 0.5]]), Y[:2], {}, "NaN: row 0"),
        (np.array([[1.5, -0.5], [0.5, 0.5]]), Y[:2], {}, "below 0: row 0"),
        (np.array([0.5, 1.5]), Y[:2], {}, "above 1: row 1"),
        (np.zeros((0, 2)), Y[:0], {}, "there are no rows to evaluate"),
        (GOOD, Y[:3], {}, "4 rows and labels for 3"),
        (GOOD, np.array(["a", "b", "c", "a"]), {"classes": ["a", "b"]}, "holds .*c.*row 2"),
        (GOOD, np.array(["a", "b", "c", "a"]), {}, "3 different labels"),
        (GOOD, np.array([0.0, np.nan, 1.0, 1.0]), {}, "1 missing label in y: row 1"),
        (GOOD, Y, {"weights": np.zeros(4)}, "all values in weights are zero"),
        (GOOD, Y, {"weights": np.array([1.0, -1.0, 1.0, 1.0])}, "row 1"),
        (GOOD, Y, {"classes": ["a"]}, "classes names 1"),
        (GOOD, np.array([[1, 0], [0, 0], [2, 1], [1, 1]]), {}, "without a vote: row 1"),
        (GOOD, np.array([[0.5, 0.2]] * 4), {}, "neither whole numbers"),
        (GOOD, "kind", {}, "names a column, but X was not given"),
        (GOOD, None, {}, "y is required"),
        (GOOD, Y, {"slices": ["a"]}, "slices are columns of X, but X was not given"),
        (LogisticRegression(), Y, {}, "has not been fitted"),
    ],
)
def test_refused(probabilities, y, options, message):
    with pytest.raises(DataError, match=message):
        evaluate(probabilities, y=y, **options)


def test_unknown_options():
    with pytest.raises(KullbackError, match="not a unit"):
        evaluate(GOOD, y=Y, unit="bats")
    with pytest.raises(KullbackError, match=r"level must lie in \(0, 1\), got 1\.5"):
        evaluate(GOOD, y=Y, level=1.5)


def test_float32_rows_are_taken_as_they_are():
    q, codes, _, _ = drawn(200, 26)
    single = q.astype(np.float32)
    report = evaluate(single, y=codes)
    expected = -np.log(single.astype(np.float64)[np.arange(200), codes]).mean()
    assert float(report.cross_entropy) == pytest.approx(expected, rel=1e-14)


def test_same_seed_same_report():
    q, codes, _, _ = drawn(300, 3)
    assert str(evaluate(q, y=codes, seed=2)) == str(evaluate(q, y=codes, seed=2))


@pytest.mark.parametrize(
    ("labels", "count", "classes"),
    [
        ([0, 2, 2], 3, (0, 1, 2)),  # codes, one of them unseen
        ([1, 2, 3], 3, (1, 2, 3)),  # as many labels as columns
        ([0, 1, 1], 3, (0, 1, 2)),
        ([-1, 1, 1], 2, (-1, 1)),
        ([True, False, True], 2, (False, True)),
        (["b", "a", "b"], 2, ("a", "b")),
        ([1, 2, 2], 3, None),  # codes, or the first two of 1, 2, 3?
        ([1, 1, 1], 2, None),
        (["a", "b", "a"], 3, None),
    ],
)
def test_bare_probabilities_are_of_classes_that_are_certain(labels, count, classes):
    q = np.full((3, count), 1.0 / count)
    if classes is None:
        with pytest.raises(DataError, match="say which column is which class"):
            evaluate(q, y=labels)
    else:
        assert evaluate(q, y=labels).classes == classes


@pytest.mark.parametrize("given", ["column", "array"])
def test_errors_of_clusters(given):
    rng = np.random.default_rng(8)
    n, count = 600, 60
    site = np.repeat(np.arange(count), n // count)
    p = 1.0 / (1.0 + np.exp(-rng.normal(size=n)))
    y = (rng.uniform(size=n) < np.clip(p + 0.3 * rng.normal(size=count)[site], 0.02, 0.98)) * 1
    table = pd.DataFrame({"site": [f"s{i}" for i in site], "y": y})
    clusters = "site" if given == "column" else table["site"].to_numpy()
    found = evaluate(p, table, "y", clusters=clusters)
    losses = -np.log(np.where(y == 1, p, 1.0 - p))

    def error(rows):  # Liang and Zeger (1986), of a mean
        deviation = losses[rows] - losses[rows].mean()
        sums = np.array([deviation[site[rows] == g].sum() for g in np.unique(site[rows])])
        return np.sqrt(sums.size / (sums.size - 1.0) * (sums @ sums)) / rows.sum()

    for k, group in enumerate(found.by_class):
        assert group.cross_entropy.stderr == pytest.approx(error(y == k), rel=1e-12)
    # 1,000 replicates: the error of an error is 1/√2000, and 4 of these are allowed
    assert found.cross_entropy.stderr == pytest.approx(error(y >= 0), rel=0.09)
    assert found.cross_entropy.stderr > 1.1 * evaluate(p, y=y).cross_entropy.stderr
    assert any("60 clusters of rows" in note for note in found.notes)
    assert "site" not in found.features or given == "array"


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        (np.zeros(4), "one value in all rows"),
        (np.arange(3), "has 3 values, and there are 4 rows"),
        (["a", None, "b", "b"], "1 missing value, the first in row 1"),
        ("site", "names a column, but X was not given"),
    ],
)
def test_clusters_that_cannot_be_used(clusters, message):
    with pytest.raises(DataError, match=message):
        evaluate(np.array([0.2, 0.4, 0.6, 0.8]), y=np.array([0, 1, 0, 1]), clusters=clusters)
