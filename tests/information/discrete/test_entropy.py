"""Entropy from counts: against the papers' formulas, the naive jackknife, and laws."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kullback._core.errors import DataError, KullbackError
from kullback.information.discrete.estimators import METHODS, NAMES, entropy_of_counts
from kullback.information.discrete.jackknife import CountGroups
from kullback.information.discrete.mutual_information import mutual_information_of_counts

RNG = np.random.default_rng(7)
SAMPLES = {
    "few rows": np.array([4, 2, 1, 1, 0]),
    "all seen once": np.ones(12, dtype=int),
    "one symbol": np.array([6, 0]),
    "some unseen": RNG.multinomial(60, np.full(60, 1 / 60)),
    "skew": RNG.multinomial(400, RNG.dirichlet(np.full(50, 0.5))),
    "many rows": RNG.multinomial(10**5, RNG.dirichlet(np.ones(30))),
    "large counts": np.array([10**9 + 7, 5 * 10**8, 3]),
}


@mp.workdps(40)
def by_formula(method: str, counts: np.ndarray, support: int) -> mp.mpf:
    """The estimate as its paper writes it, at 40 digits."""
    seen = [mp.mpf(int(count)) for count in counts if count]
    n = sum(seen)
    if method in ("plug-in", "miller-madow"):
        value = -sum(c / n * mp.log(c / n) for c in seen)
        return value + ((len(seen) - 1) / (2 * n) if method == "miller-madow" else 0)
    if method == "grassberger":  # Grassberger (2003)

        def g(c):
            sign = 1 if int(c) % 2 == 0 else -1
            return mp.psi(0, c) + sign / mp.mpf(2) * (mp.psi(0, (c + 1) / 2) - mp.psi(0, c / 2))

        return mp.log(n) - sum(c * g(c) for c in seen) / n
    if method == "chao-shen":  # Chao & Shen (2003)
        once = sum(c == 1 for c in seen)
        coverage = 1 - (once if once < n else n - 1) / n
        shares = [coverage * c / n for c in seen]
        return -sum(p * mp.log(p) / (1 - (1 - p) ** n) for p in shares)
    # Hausser & Strimmer (2009)
    shares = [c / n for c in seen] + [mp.mpf(0)] * (support - len(seen))
    target = mp.mpf(1) / support
    spread = (n - 1) * sum((target - p) ** 2 for p in shares)
    lam = min((1 - sum(p * p for p in shares)) / spread, 1) if spread else mp.mpf(1)
    shrunk = [lam * target + (1 - lam) * p for p in shares]
    return -sum(q * mp.log(q) for q in shrunk if q)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("method", METHODS)
def test_values_are_those_of_the_papers(method, sample):
    counts = SAMPLES[sample]
    found = entropy_of_counts(counts, method=method, support=counts.size)
    # The largest terms are log n and as many as a million symbols' shares of it: a few last digits.
    assert found.value == pytest.approx(float(by_formula(method, counts, counts.size)), abs=2e-14)
    assert found.method == method


@pytest.mark.parametrize(
    "sample", ["few rows", "all seen once", "some unseen", "skew", "many rows"]
)
@pytest.mark.parametrize("method", METHODS)
def test_the_jackknife_is_the_naive_one(method, sample):
    counts = SAMPLES[sample]
    groups = CountGroups.of(counts[None, :])
    variance = METHODS[method](groups, float(counts.size)).variance(groups)[0]
    estimate = METHODS["miller-madow" if method == "grassberger" else method]
    n, symbols = counts.sum(), np.flatnonzero(counts)
    left = np.repeat(counts[None, :], symbols.size, axis=0)
    left[np.arange(symbols.size), symbols] -= 1
    values = np.array(
        [estimate(CountGroups.of(row[None, :]), float(counts.size)).value[0] for row in left]
    )
    weights = counts[symbols]  # so many rows leave the same counts behind
    centred = values - np.sum(weights * values) / n
    expected = (n - 1) / n * np.sum(weights * centred**2)
    # differences of values of 1e-15: of order 1/n, squared; shrinkage's series leaves 1e-5
    assert variance == pytest.approx(expected, rel=1e-5, abs=1e-25)


@pytest.mark.parametrize("method", NAMES)
def test_samples_together_are_as_one_by_one(method):
    samples = np.stack(
        [
            RNG.multinomial(n, RNG.dirichlet(np.full(40, concentration)))
            for n in (2, 30, 1000, 10**5)
            for concentration in (0.1, 1.0, 100.0)
        ]
    )
    together = entropy_of_counts(samples.reshape(3, 4, 40), method=method, support=40)
    alone = [entropy_of_counts(sample, method=method, support=40) for sample in samples]
    assert together.value.shape == (3, 4)
    # NSB's nodes are others: each result is within 1e-11; the rest differ by the order of addition.
    np.testing.assert_allclose(together.value.ravel(), [f.value for f in alone], atol=1e-10)
    np.testing.assert_allclose(
        together.stderr.ravel(), [f.stderr for f in alone], rtol=1e-5, atol=1e-12
    )


@pytest.mark.parametrize("method", NAMES)
def test_neither_order_nor_unseen_symbols_count(method):
    counts = SAMPLES["skew"]
    found = entropy_of_counts(counts, method=method, support=80)
    other = np.concatenate([np.zeros(11, dtype=np.int32), RNG.permutation(counts)])
    again = entropy_of_counts(other.astype(np.float64), method=method, support=80)
    assert again.value == pytest.approx(found.value, abs=1e-13)
    assert again.stderr == pytest.approx(found.stderr, rel=1e-9)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12).filter(any))
@example(counts=[0, 4, 4, 7, 7, 7, 10, 10, 13, 15, 22, 30])  # a node of weight e^-30, to the bit
def test_laws(counts):
    seen = sum(count > 0 for count in counts)
    for method in NAMES:
        found = entropy_of_counts(counts, method=method, support=len(counts))
        if method != "miller-madow":
            # Grassberger's is −0 for one symbol up to rounding and never far below zero
            low = -1.0 / sum(counts) if method == "grassberger" else -1e-14
            assert found.value >= low
        assert math.isnan(found.stderr) or found.stderr >= 0.0
        if method in ("plug-in", "shrinkage", "nsb"):
            most = seen if method == "plug-in" else len(counts)
            assert found.value <= math.log(most) + 1e-13


@pytest.mark.parametrize("n", [1000, 10_000])
@pytest.mark.parametrize("law", ["uniform", "Zipf", "geometric"])
def test_the_95_percent_interval_holds_as_often(law, n):
    # The truth is Σ p log p of the law itself. 93% to 97% is what is asked for; 1,000 repetitions
    # of a true 95% stay within 93.0% and 97.0% (2.9 standard errors); uniform over 100 holds more.
    shares = {
        "uniform": np.full(100, 0.01),
        "Zipf": 1.0 / np.arange(1, 101),
        "geometric": 0.8 ** np.arange(60),
    }[law]
    shares = shares / shares.sum()
    truth = -np.sum(shares * np.log(shares))
    counts = np.random.default_rng(3).multinomial(n, shares, size=1000)
    found = entropy_of_counts(counts, method="grassberger")
    held = np.mean(np.abs(found.value - truth) <= 1.96 * found.stderr)
    assert 0.93 <= held <= 0.98


def test_auto_says_what_it_chose_and_why():
    covered = entropy_of_counts(RNG.multinomial(10**4, np.full(50, 0.02)))
    assert covered.method == "grassberger"
    assert "10,000 rows hold 50 symbols, 0 of them once" in covered.assumptions[0]
    few = entropy_of_counts([400, 600])
    assert few.method == "miller-madow"
    unseen = entropy_of_counts(SAMPLES["some unseen"])
    assert unseen.method == "chao-shen"
    known = entropy_of_counts(SAMPLES["some unseen"], support=60)
    assert known.method == "nsb"
    assert "60 symbols" in known.assumptions[-1]


def test_weights_that_are_not_whole():
    weights = np.array([0.5, 1.25, 2.25])
    found = entropy_of_counts(weights)
    shares = weights / 4.0
    assert found.value == pytest.approx(-np.sum(shares * np.log(shares)), rel=1e-15)
    assert "not whole" in found.assumptions[1]
    with pytest.raises(DataError, match=r'method="nsb" needs counts of rows.*\(0\.5\)'):
        entropy_of_counts(weights, method="nsb", support=3)


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([1, -2], {}, r"count 1 is negative \(-2\)"),
        ([[1, 2], [1, math.nan]], {}, r"count 1 of sample 1 is not finite"),
        ([[1, 2], [0, 0]], {}, "counts of sample 1 are all zero"),
        ([0, 0], {}, "counts are all zero"),
        ([], {}, "counts must be numbers"),
        (["a"], {}, "counts must be numbers"),
        ([1, 1, 1], {"support": 2}, "support=2 symbols, and 3 different ones were seen"),
        ([1, 1], {"support": 0}, "support is the number of symbols"),
        ([1, 1], {"method": "nsb"}, "no symbol was seen twice"),
    ],
)
def test_errors_say_what_is_wrong(counts, options, message):
    with pytest.raises(DataError, match=message):
        entropy_of_counts(counts, **options)


def test_an_unknown_method_is_told():
    with pytest.raises(KullbackError, match='did you mean "chao-shen"'):
        entropy_of_counts([1, 2], method="chaoshen")


# ---- mutual information -----------------------------------------------------------------------


@pytest.mark.parametrize("method", NAMES)
def test_mutual_information_and_its_naive_jackknife(method):
    table = np.array([[12, 3, 1], [2, 9, 4]])
    found = mutual_information_of_counts(table, method=method, support=(2, 3))

    def value(counts, name=method):
        h = [
            entropy_of_counts(part, method=name, support=size).value
            for part, size in ((counts.sum(1), 2), (counts.sum(0), 3), (counts.ravel(), 6))
        ]
        return h[0] + h[1] - h[2]

    assert found.value == pytest.approx(value(table), abs=1e-12)
    smooth = "miller-madow" if method == "grassberger" else method
    n = table.sum()
    left = []
    for cell in np.argwhere(table):
        fewer = table.copy()
        fewer[tuple(cell)] -= 1
        left.append(value(fewer, smooth))
    weights = table[table > 0]
    centred = np.array(left) - np.sum(weights * left) / n
    jackknife = (n - 1) / n * np.sum(weights * centred**2)
    share = table / n
    squares = np.sum(share**2 / np.outer(share.sum(1), share.sum(0))) - 1
    second = (6 - 2 - 3 + 1 + 2 * squares) / (2 * n**2)
    expected = max(jackknife - 2 * second, 0) + second
    if method == "grassberger":  # symbols and cells seen more than once: 2 + 3 + 5
        expected += 10 / (4 * n**2)
    assert found.stderr == pytest.approx(math.sqrt(expected), rel=1e-6)


def test_mutual_information_of_independent_columns_is_within_its_error_of_zero():
    found = mutual_information_of_counts([[30, 31], [30, 32]])
    assert found.value < 0.0
    assert found.assumptions[-1] == "below zero, within its error of zero"


@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=2, max_size=4))
def test_mutual_information_never_exceeds_the_smaller_entropy(table):
    table = np.array(table)
    if not table.any():
        return
    for method in METHODS:
        found = mutual_information_of_counts(table, method=method)
        entropies = [entropy_of_counts(table.sum(axis), method=method).value for axis in (0, 1)]
        assert found.value <= max(min(entropies), 0.0) + 1e-12
        assert found.value >= 0.0 or "below zero" in found.assumptions[-1]


def test_mutual_information_refuses_what_is_no_table():
    with pytest.raises(DataError, match="two variables"):
        mutual_information_of_counts([1, 2])
    with pytest.raises(DataError, match="row 1 and column 0 is -1"):
        mutual_information_of_counts([[1, 2], [-1, 3]])
    with pytest.raises(DataError, match="sums of weights"):
        mutual_information_of_counts([[1.5, 2], [1, 3]])
    with pytest.raises(DataError, match="every count is zero"):
        mutual_information_of_counts([[0, 0], [0, 0]])
