"""The decomposition's entropy lines for continuous data.

Truth: closed forms of the distributions that the samples are drawn from, and SciPy's entropies.
"""

import json
import math

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.information.neighbours.divergence import nearest_neighbour_divergence

WITHIN = ", within its error of zero"
X = np.random.default_rng(40).gamma(3.0, 2.0, 400)


def lines(fit, unit="nats"):
    return {line.name: line for line in fit.decomposition(unit).lines}


@pytest.fixture(scope="module")
def fit():
    return kl.fit(kl.Gamma(), X)


@pytest.fixture(scope="module")
def wrong():
    """An exponential fitted to draws from a gamma distribution of shape 3."""
    return kl.fit(kl.Exponential(), np.random.default_rng(41).gamma(3.0, 2.0, 5000))


def test_the_two_lines(fit):
    found = lines(fit)
    entropy, relative = found["entropy"], found["relative entropy"]
    assert entropy.note.startswith("estimated by Kozachenko–Leonenko")
    assert entropy.stderr > 0.0
    assert relative.stderr > 0.0
    # the part that log p and log q share cancels in the difference
    assert relative.stderr < entropy.stderr
    truth = stats.gamma(3.0, scale=2.0).entropy()
    assert abs(entropy.value - truth) < 3.0 * entropy.stderr
    assert relative.note == "estimated excess loss of the model" + WITHIN


@pytest.mark.parametrize("unit", ["nats", "bits", "hartleys"])
def test_cross_entropy_is_their_sum(fit, unit):
    decomposition = fit.decomposition(unit)
    # three roundings of numbers near 3
    assert decomposition["entropy"] + decomposition["relative entropy"] == pytest.approx(
        decomposition["cross-entropy"], rel=1e-15
    )


def test_units_differ_by_the_factor(fit):
    nats, bits = lines(fit), lines(fit, "bits")
    for name in ("entropy", "relative entropy"):
        assert bits[name].value == pytest.approx(nats[name].value / math.log(2.0), rel=1e-15)
        assert bits[name].stderr == pytest.approx(nats[name].stderr / math.log(2.0), rel=1e-15)


def test_the_relative_entropy_is_that_of_the_rows(fit):
    found = nearest_neighbour_divergence(
        X, stats.gamma.logpdf(X, fit.params["shape"], scale=1.0 / fit.params["rate"])
    )
    assert fit.entropy_estimate.relative == pytest.approx(found.value, abs=1e-12)
    assert fit.entropy_estimate.relative_error == pytest.approx(found.stderr, rel=1e-9)
    assert fit.entropy_estimate.entropy_error == pytest.approx(found.entropy_stderr, rel=1e-12)


def test_a_true_model_has_no_excess_loss_within_the_error():
    random = np.random.default_rng(42)
    inside = negative = known = 0
    for _ in range(100):
        fit = kl.fit(kl.Gamma(), random.gamma(3.0, 2.0, 300))
        estimate, line = fit.entropy_estimate, lines(fit).get("relative entropy")
        if line is None:  # further below zero than its error: no number is shown
            assert "above the cross-entropy by more than its error" in estimate.method
            continue
        known += 1
        inside += abs(estimate.relative) <= 1.96 * estimate.relative_error
        negative += estimate.relative < 0.0
        assert line.note.endswith(WITHIN) or estimate.relative > 1.96 * estimate.relative_error
        assert line.value >= 0.0 or line.note.endswith(WITHIN)
    # 95 ± 2.2 of 100: three standard deviations
    assert inside >= 89
    assert known >= 95
    assert negative > 10, "an estimate of zero is below it about half of the time"


def test_the_excess_loss_of_a_wrong_model_is_that_of_the_closed_form(wrong):
    truth = kl.Gamma(shape=3.0, rate=0.5)
    estimate = wrong.entropy_estimate
    # D = ∫ p log p − ∫ p log q, of the gamma's entropy (SciPy) and the exponential's mean
    law = stats.gamma(3.0, scale=2.0)
    rate = wrong.params["rate"]
    expected = -law.entropy() - math.log(rate) + rate * law.mean()
    assert float(kl.kl_divergence(truth, wrong.model)) == pytest.approx(expected, rel=1e-10)
    assert abs(estimate.relative - expected) < 3.0 * estimate.relative_error
    assert estimate.relative > 5.0 * estimate.relative_error
    assert lines(wrong)["relative entropy"].note == "estimated excess loss of the model"
    assert abs(estimate.entropy - law.entropy()) < 3.0 * estimate.entropy_error


def test_the_summary_shows_them(fit):
    text = str(fit.summary())
    assert "estimated by Kozachenko–Leonenko" in text
    assert "within its error of zero" in text


def test_whole_weights_are_rows():
    distinct, counts = np.unique(X.round(1), return_counts=True)
    table = {"x": np.append(distinct, 99.0), "n": np.append(counts, 0)}
    weighted = kl.fit(kl.Gamma(), table, "x", weights="n")
    plain = kl.fit(kl.Gamma(), X.round(1))
    assert weighted.entropy_estimate.entropy == pytest.approx(
        plain.entropy_estimate.entropy, rel=1e-9
    )


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        (np.arange(400) % 3 + 0.5, "the weights are not whole numbers"),
        (np.arange(400) % 3 + 1, '399 of 799 rows of column "x" repeat an earlier one, and lie'),
    ],
)
def test_other_weights_give_no_estimate_and_the_reason(weights, why):
    fit = kl.fit(kl.Gamma(), {"x": X, "n": weights}, "x", weights="n")
    found = lines(fit)
    assert found["entropy"].shown == "unknown"
    assert found["entropy"].note.startswith(f"no estimate: {why}")
    assert "relative entropy" not in found
    assert "unknown" in str(fit.decomposition())


@pytest.mark.parametrize("step", [0.01, 0.1, 0.5, 1.0])
def test_rounded_outcomes_have_the_entropy_before_rounding(step):
    x = np.random.default_rng(44).gamma(3.0, 2.0, 2000)
    fit = kl.fit(kl.Exponential(), np.round(x / step) * step)
    truth = float(stats.gamma(3.0, scale=2.0).entropy())
    found = fit.entropy_estimate
    assert abs(found.entropy - truth) < 3.0 * found.entropy_error
    assert found.entropy_error < 0.03
    excess = fit.cross_entropy - truth
    assert abs(found.relative - excess) < 3.0 * found.relative_error
    assert found.method.endswith("mean over 20 spreads of rounded values")


def test_cells_that_reach_beyond_the_support_lose_no_row():
    x = np.random.default_rng(45).exponential(1.0, 1000).round(2)
    fit = kl.fit(kl.Uniform(lower=0.0, upper=float(x.max())), x)
    assert math.isfinite(fit.entropy_estimate.entropy)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.round(X / 8.0) * 8.0 + 0.5, "too few to know the density inside these"),
        (np.append(X, np.full(60, 2.5)), "60 rows are 2.5: too many for a density"),
        (np.repeat(X, 2), "400 of 800 rows of y repeat an earlier one, and lie on no grid"),
    ],
)
def test_values_without_a_density_give_no_estimate_and_the_reason(values, why):
    found = lines(kl.fit(kl.Gamma(), values))
    assert found["entropy"].shown == "unknown"
    assert found["entropy"].note.startswith("no estimate: ")
    assert why in found["entropy"].note


def test_the_reason_is_whole_whatever_the_columns_name():
    found = lines(kl.fit(kl.Gamma(), {"time: s": np.round(X / 8.0) + 0.5}, "time: s"))
    assert 'rows of column "time: s" repeat an earlier one' in found["entropy"].note


def test_too_few_rows_give_no_estimate_and_the_reason():
    found = lines(kl.fit(kl.Gamma(), X[:3]))
    assert found["entropy"].shown == "unknown"
    assert "3 rows" in found["entropy"].note


def test_counted_outcomes_have_the_exact_entropy_and_no_estimate():
    counts = np.random.default_rng(43).poisson(3.0, 300)
    fit = kl.fit(kl.Poisson(), counts)
    assert fit.entropy_estimate is None
    assert lines(fit)["entropy"].value == pytest.approx(
        stats.entropy(np.bincount(counts)), rel=1e-12
    )
    assert lines(fit)["entropy"].stderr == 0.0


@pytest.mark.parametrize("case", ["estimated", "wrong", "weights", "ties", "rounded"])
def test_a_saved_fit_keeps_both_lines_to_the_last_bit(fit, wrong, case, tmp_path):
    saved = {
        "estimated": lambda: fit,
        "wrong": lambda: wrong,
        "weights": lambda: kl.fit(
            kl.Gamma(), {"x": X, "n": np.arange(400) % 2 + 1}, "x", weights="n"
        ),
        "ties": lambda: kl.fit(kl.Gamma(), np.round(X / 8.0) + 0.5),
        "rounded": lambda: kl.fit(kl.Gamma(), X.round(1)),
    }[case]()
    path = tmp_path / "fit.json"
    saved.save(path)
    loaded = kl.load(path)
    for unit in ("nats", "bits"):
        for before, after in zip(
            saved.decomposition(unit).lines, loaded.decomposition(unit).lines, strict=True
        ):
            assert (before.name, before.note) == (after.name, after.note)
            # repr tells NaN as well, and every bit of a float
            assert repr(float(before.value)) == repr(float(after.value))
            assert repr(float(before.stderr)) == repr(float(after.stderr))
    loaded.save(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads(path.read_text())


def test_a_value_far_below_zero_is_not_an_estimate():
    lattice = np.arange(1.0, 401.0)  # evenly spaced: further apart than draws would be
    fit = kl.fit(kl.Uniform(lower=0.5, upper=400.5), lattice)
    assert math.isnan(fit.entropy_estimate.relative)
    assert fit.entropy_estimate.method.endswith(
        "is above the cross-entropy by more than its error: no entropy is, so it is biased"
    )
    assert lines(fit)["entropy"].shown == "unknown"


def test_a_streamed_sample_gives_the_same_lines(fit, tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "".join(f"{value!r}\n" for value in X.tolist()))
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    streamed = kl.fit(kl.Gamma(), str(path), "x")
    assert streamed.entropy_estimate == fit.entropy_estimate
