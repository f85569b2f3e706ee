"""The Kaplan–Meier estimate: published cases, lifelines, and laws that hold for all rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import kullback as kl
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.nonparametric import distinct_ends
from kullback.nonparametric.bounds import largest_deviation

# E. J. Freireich et al. (1963), weeks in remission of 21 children on 6-mercaptopurine, as in
# J. P. Klein & M. L. Moeschberger, Survival Analysis (2003), tables 4.1 and 4.1A
WEEKS = [10, 7, 32, 23, 22, 6, 16, 34, 32, 25, 11, 20, 19, 6, 17, 35, 6, 13, 9, 6, 10]
RELAPSE = [1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]
REMISSION = {"weeks": WEEKS, "relapse": RELAPSE}

# Delayed entry and weights: drawn once, with ties, no row enters at its time
TIME = [11, 21, 14, 19, 7, 39, 1, 29, 14, 9, 13, 9, 19, 22, 32, 7, 11, 12, 10, 19, 3, 24, 17, 19]
TIME += [12, 13, 7, 13, 9, 17, 15, 6, 1, 7, 8, 10, 29, 20, 24, 30, 18, 6, 9, 8, 23, 24, 5, 11, 21]
TIME += [3, 4, 19, 10, 20, 16, 17, 20]
DIED = [0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0]
DIED += [1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1]
ENTRY = [0, 3, 0, 0, 0, 0, 0, 7, 0, 0, 0, 7, 0, 7, 0, 0, 6, 3, 0, 0, 0, 6, 0, 0, 0, 7, 0, 4, 2, 1]
ENTRY += [7, 0, 0, 0, 0, 0, 6, 5, 0, 0, 0, 0, 1, 0, 7, 0, 1, 1, 0, 0, 0, 3, 4, 3, 0, 4, 5]
TIMES = [3, 2, 3, 3, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 3, 1, 3, 2, 1, 1, 1, 2, 1, 1, 1, 3, 1, 1, 2, 1]
TIMES += [2, 3, 3, 2, 2, 3, 2, 2, 1, 2, 1, 1, 3, 2, 2, 1, 1, 3, 2, 3, 3, 3, 1, 1, 2, 2, 3]
DELAYED = {"time": TIME, "died": DIED, "entry": ENTRY, "times": TIMES}


def delayed() -> kl.Empirical:
    roles = {"event": "died", "truncation": ("entry", None), "weights": "times"}
    return kl.empirical(DELAYED, "time", **roles)


def test_remission_of_leukaemia_with_greenwoods_errors() -> None:
    found = kl.empirical(REMISSION, "weeks", event="relapse")
    frame = found.to_frame()
    # Klein & Moeschberger, table 4.1A: Y, Ŝ and its standard error
    rows = [
        (6, 21, 3, 0.857, 0.076),
        (7, 17, 1, 0.807, 0.087),
        (10, 15, 1, 0.753, 0.096),
        (13, 12, 1, 0.690, 0.107),
        (16, 11, 1, 0.628, 0.114),
        (22, 7, 1, 0.538, 0.128),
        (23, 6, 1, 0.448, 0.135),
    ]
    columns = ["upper", "at_risk", "events", "survival", "stderr"]
    np.testing.assert_allclose(frame[columns].to_numpy()[:-1], rows, atol=6e-4)  # three digits
    last = frame.iloc[-1]  # the longest row is censored: the rest of the mass lies beyond it
    assert (last["lower"], last["upper"]) == (35.0, np.inf)
    assert last["mass"] == pytest.approx(0.4482, abs=5e-5)
    assert found.kinds == {"exact": 9, "right-censored": 12}
    assert found.quantile(0.5) == 23.0  # the book: the median is 23 weeks
    np.testing.assert_array_equal(found.quantile_interval(0.5), [13.0, np.nan])


def test_bounds_are_symmetric_on_the_scale_of_log_minus_log() -> None:
    found = kl.empirical(REMISSION, "weeks", event="relapse")
    band = found.band("survival")
    value, error = band.value, found.stderr(band.at)
    theta = np.exp(stats.norm.ppf(0.975) * error / (value * np.log(value)))
    # Klein & Moeschberger, equation 4.3.2: [S^(1/θ), S^θ]
    np.testing.assert_allclose(band.lower, value ** (1 / theta), rtol=1e-12)
    np.testing.assert_allclose(band.upper, value**theta, rtol=1e-12)


def test_delayed_entry_and_weights_against_lifelines() -> None:
    found = delayed()
    # KaplanMeierFitter of lifelines 0.30.3 with entry and weights; 8 digits as printed
    at = [6.0, 10.0, 15.0, 20.0, 30.0]
    survival = [0.81890751, 0.65564431, 0.4840758, 0.2769758, 0.09232527]
    np.testing.assert_allclose(found.survival(at), survival, atol=5e-9)
    band = found.band("survival")
    place = np.searchsorted(band.at, at, side="right") - 1
    lower = [0.70844626, 0.54608734, 0.37774414, 0.18808571, 0.03610207]
    upper = [0.89065429, 0.7448621, 0.58235355, 0.37290046, 0.18106165]
    np.testing.assert_allclose(band.lower[place], lower, atol=5e-9)
    np.testing.assert_allclose(band.upper[place], upper, atol=5e-9)
    at_risk = found.to_frame().set_index("upper")["at_risk"]
    assert at_risk[[10.0, 15.0, 20.0]].tolist() == [73.0, 46.0, 26.0]  # its event table


def test_a_weight_is_so_many_rows() -> None:
    times = np.array(TIMES)
    rows = {name: np.repeat(column, times) for name, column in DELAYED.items()}
    copies = kl.empirical(rows, "time", event="died", truncation=("entry", None))
    found = delayed()
    assert (found.rows, found.weight, copies.rows) == (57, 105.0, 105)
    for name in ("at", "notes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(copies, name))
    pd.testing.assert_frame_equal(found.to_frame(), copies.to_frame(), check_exact=True)


def test_left_censored_rows_are_right_censored_ones_turned_round() -> None:
    # detection limits; lower ends belong to the turned rows, as upper ones do to these
    turned = {"x": [-w for w in WEEKS], "how": [1 if r else -1 for r in RELAPSE]}
    found = kl.empirical(turned, "x", event="how")
    other = kl.empirical(REMISSION, "weeks", event="relapse", closed=True)
    x = np.array([5.0, 6.5, 12.0, 22.5, 34.0])
    np.testing.assert_allclose(found.cdf(-x), other.survival(x), rtol=1e-14)
    np.testing.assert_allclose(found.stderr(-x), other.stderr(x), rtol=1e-14)
    assert found.kinds == {"exact": 9, "left-censored": 12}
    assert np.isnan(found.cdf(-36.0))  # a part of the mass lies below −35, nobody knows where


def test_a_tie_of_a_loss_and_an_event() -> None:
    data = {"t": [2.0, 2.0, 3.0], "d": [1, 0, 1]}
    # at risk at its time, as usual: 1 − 1/3; or else not: 1 − 1/2
    assert kl.empirical(data, "t", event="d").survival(2.0) == pytest.approx(2 / 3, rel=1e-15)
    closed = kl.empirical(data, "t", event="d", closed=True)
    assert closed.survival(2.0) == pytest.approx(1 / 2, rel=1e-15)


def test_exact_rows_are_shares_with_binomial_bounds() -> None:
    x = np.random.default_rng(2).gamma(2.0, size=40)
    found = kl.empirical(x)
    theirs = stats.ecdf(x)
    np.testing.assert_allclose(found.cdf(np.sort(x)), theirs.cdf.probabilities, rtol=1e-15)
    np.testing.assert_array_equal(found.at, theirs.cdf.quantiles)
    k = np.arange(1, 41)
    expected = [stats.binomtest(int(i), 40).proportion_ci(method="exact") for i in k]
    band = found.band()
    np.testing.assert_allclose(band.lower, [e.low for e in expected], rtol=1e-9)
    np.testing.assert_allclose(band.upper, [e.high for e in expected], rtol=1e-9)
    quantiles = found.quantile([0.0, 0.25, 0.5, 1.0])
    np.testing.assert_array_equal(quantiles, [np.nan, *np.sort(x)[[9, 19, 39]]])


def test_the_largest_deviation_of_equal_precision() -> None:
    # J. P. Klein & M. L. Moeschberger (2003), table C.3a cites V. N. Nair (1984); here the quantile
    # is checked by simulating |B(u)|/√(u(1 − u)) between 0.05 and 0.95: 2,000 points in log odds
    ratio = 19.0**2
    v = np.geomspace(1.0, ratio, 2_000)
    rng = np.random.default_rng(0)
    steps = rng.standard_normal((8_000, 2_000), dtype=np.float32)
    steps *= np.sqrt(np.diff(v, prepend=0.0)).astype(np.float32)
    largest = np.max(np.abs(np.cumsum(steps, axis=1)) / np.sqrt(v), axis=1)
    beyond = np.mean(largest > largest_deviation(0.95, ratio))
    # the formula is an approximation and the grid misses peaks: within 0.008 of 0.05
    assert beyond == pytest.approx(0.05, abs=0.008)


def test_simultaneous_bands() -> None:
    data = {"t": np.random.default_rng(1).weibull(1.5, 200)}
    data["d"] = np.random.default_rng(2).random(200) < 0.7
    found = kl.empirical(data, "t", event="d")
    wide, narrow = found.band(simultaneous=True), found.band()
    known = np.isfinite(wide.lower)
    assert 100 < known.sum() < known.size  # none at the ends
    assert np.all(wide.lower[known] < narrow.lower[known])
    assert np.all(wide.upper[known] > narrow.upper[known])
    assert wide.notes[0] == "equal precision, 3.140 standard errors on the log-log scale"
    exact = kl.empirical(data["t"])
    assert exact.band(simultaneous=True).notes == ("binomial bounds, equal levels",)
    half = np.sqrt(np.log(20.0) / 400.0)  # Massart's constant
    other = exact.band(level=0.9, simultaneous=True)
    np.testing.assert_allclose(other.lower, np.maximum(exact.cdf(other.at) - half, 0.0), rtol=1e-12)


def test_small_risk_sets_at_the_entry_are_said() -> None:
    data = {"t": [1.0, 3.0, 4.0], "entry": [0.0, 2.0, 2.0], "d": [1, 1, 1]}
    found = kl.empirical(data, "t", event="d", truncation=("entry", None))
    assert found.survival(1.0) == 0.0
    assert found.notes[0].startswith("at 1 no row at risk was left, so that the estimate ends")
    assert found.notes[1] == "All rows are truncated: probabilities are given an outcome above 0."


def test_streamed_rows_give_the_same_bits(tmp_path: Path) -> None:
    table = pd.DataFrame(DELAYED).astype({"times": float})
    table["times"] *= 0.1
    table.to_parquet(tmp_path / "rows.parquet", row_group_size=7)
    roles = Roles(y="time", event="died", truncation=("entry", None), weights="times")
    streamed = open_sample(str(tmp_path / "rows.parquet"), roles, in_memory=False)
    assert not streamed.in_memory
    found, memory = kl.empirical(streamed), kl.empirical(open_sample(table, roles))
    pd.testing.assert_frame_equal(found.to_frame(), memory.to_frame(), check_exact=True)


def test_too_many_rows_of_a_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(distinct_ends, "_MOST", 50)
    pd.DataFrame({"x": np.arange(400.0)}).to_parquet(tmp_path / "x.parquet", row_group_size=40)
    streamed = open_sample(str(tmp_path / "x.parquet"), Roles(y="x"), in_memory=False)
    with pytest.raises(kl.DataError, match=r"more than 50 different outcomes, too many to hold: r"):
        kl.empirical(streamed)


def test_what_it_shows() -> None:
    found = kl.empirical(REMISSION, "weeks", event="relapse")
    assert repr(found) == "Kaplan–Meier estimate of 21 rows (9 exact and 12 right-censored)"
    assert "0.5            23  13 to unknown" in found.summary()
    assert "<td" in found._repr_html_()
    axes = found.plot("survival").axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["Kaplan–Meier estimate, 95% band of each point"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("weeks", "probability beyond it")


def test_missing_rows_are_counted_and_wrong_input_is_refused() -> None:
    data = {"t": [1.0, np.nan, 3.0], "d": [1.0, 1.0, 0.0]}
    found = kl.empirical(data, "t", event="d", missing="drop")
    assert (found.rows, found.dropped) == (2, 1)
    assert found.notes[-1] == "1 rows with missing values were left out."
    with pytest.raises(kl.KullbackError, match=r"level must lie in \(0, 1\), got 95.0"):
        kl.empirical([1.0], level=95.0)
    with pytest.raises(kl.KullbackError, match=r"u must hold probabilities in \[0, 1\], got 50"):
        found.quantile(50)
    with pytest.raises(kl.KullbackError, match="what must be one of 'cdf', 'survival', got 'haz"):
        found.band("hazard")
    with pytest.raises(kl.DataError, match="all values in the weight column"):
        kl.empirical({"t": [1.0], "w": [0.0]}, "t", weights="w")
