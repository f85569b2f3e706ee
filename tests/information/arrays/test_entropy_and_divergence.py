"""Entropies and divergences of probabilities: identities, SciPy and mpmath, shapes and counts."""

import math
from fractions import Fraction

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import kullback as kl
from kullback._core.errors import DataError
from kullback.information.arrays.explain import Explanation

# Tolerance of the identities: sums of up to 12 terms, each of at most a few hundred nats, round to
# some 1e-14; 1e-12 of the value (of 1, where it is smaller) is what the design asks.
LAW = 1e-12


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=LAW, atol=LAW)


# ---- identities ----------------------------------------------------------------------------------

# Weights over a hundred orders of magnitude, with zeros and ties; ordinary ones half of the time.
# Below 1e-100 a term of D between neighbouring doubles would underflow, and D would be 0.
WEIGHT = st.one_of(
    st.sampled_from([0.0, 1.0]), st.floats(0.01, 1.0), st.floats(-100.0, 0.0).map(lambda e: 10.0**e)
)


@st.composite
def distributions(draw, how_many=1, size=None):
    count = size or draw(st.integers(1, 12))
    rows = []
    for _ in range(how_many):
        w = np.array(draw(st.lists(WEIGHT, min_size=count, max_size=count)))
        if not w.any():
            w[draw(st.integers(0, count - 1))] = 1.0
        rows.append(w / w.sum())
    return rows


@st.composite
def tables(draw):
    x, y = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    (p,) = draw(distributions(size=x * y))
    return p.reshape(x, y)


@given(distributions(2))
def test_cross_entropy_is_entropy_plus_relative_entropy(pq):
    p, q = pq
    close(kl.cross_entropy(p, q), kl.entropy(p) + kl.kl_divergence(p, q))


@given(distributions(2))
def test_relative_entropy_is_zero_only_between_equals(pq):
    p, q = pq
    assert kl.kl_divergence(p, p) == 0.0
    divergence = kl.kl_divergence(p, q)
    assert divergence >= 0.0
    assert (divergence == 0.0) == np.array_equal(p, q)


@given(distributions())
def test_entropy_is_at_most_that_of_the_uniform(rows):
    (p,) = rows
    assert -LAW <= kl.entropy(p) <= math.log(p.size) + LAW
    close(kl.perplexity(p), math.exp(kl.entropy(p)))


@given(tables())
def test_chain_rule(joint):
    x, y = joint.sum(axis=1), joint.sum(axis=0)
    both = kl.entropy(joint, axis=(0, 1))
    assert kl.conditional_entropy(joint) >= 0.0
    # p(x), p(y) are sums here, off 1 by a few 1e-16: far inside what is accepted
    close(both, kl.entropy(x) + kl.conditional_entropy(joint))
    close(both, kl.entropy(y) + kl.conditional_entropy(joint, axis=0, given=1))


@given(tables())
def test_mutual_information(joint):
    hx, hy = kl.entropy(joint.sum(axis=1)), kl.entropy(joint.sum(axis=0))
    information = kl.mutual_information(joint)
    close(information, hx + hy - kl.entropy(joint, axis=(0, 1)))
    close(information, hy - kl.conditional_entropy(joint))
    close(information, kl.mutual_information(joint, axis=(1, 0)))
    assert 0.0 <= information <= min(hx, hy) + LAW


@given(st.floats(0.01, 0.99), distributions(2, size=4))
def test_information_about_which_of_two_distributions(weight, rows):
    x, (p, q) = np.array([weight, 1.0 - weight]), rows
    # each product and each marginal is off by 1e-16 of itself, and D by the square of that
    assert kl.mutual_information(np.outer(x, p)) < 1e-30
    joint = x[:, None] * np.array([p, q])
    close(kl.mutual_information(joint), kl.jensen_shannon(p, q, weights=tuple(x)))


@given(distributions(2, size=4), distributions(4, size=3), tables())
def test_data_processing(pq, channel, joint):
    p, q = pq
    w = np.array(channel)
    assert kl.kl_divergence(p @ w, q @ w) <= kl.kl_divergence(p, q) + LAW
    assert kl.jensen_shannon(p @ w, q @ w) <= kl.jensen_shannon(p, q) + LAW
    passed = joint @ w[: joint.shape[1]]
    assert kl.mutual_information(passed) <= kl.mutual_information(joint) + LAW


@given(distributions(4, size=5), st.floats(0.01, 0.99))
def test_concavity_of_entropy_and_convexity_of_divergence(rows, weight):
    p, q, r, s = rows
    a, b = weight, 1.0 - weight
    mixture = kl.entropy(a * p + b * q)
    assert mixture >= a * kl.entropy(p) + b * kl.entropy(q) - LAW
    gap = mixture - a * kl.entropy(p) - b * kl.entropy(q)
    close(kl.jensen_shannon(p, q, weights=(a, b)), gap)
    joint = kl.kl_divergence(a * p + b * q, a * r + b * s)
    assert joint <= a * kl.kl_divergence(p, r) + b * kl.kl_divergence(q, s) + LAW


@given(distributions(2), tables())
def test_units_differ_by_exactly_the_factor(pq, joint):
    p, q = pq
    for unit, base in (("bits", 2.0), ("hartleys", 10.0)):
        for measure, given_ in (
            (kl.entropy, (p,)),
            (kl.cross_entropy, (p, q)),
            (kl.kl_divergence, (p, q)),
            (kl.jensen_shannon, (p, q)),
            (kl.conditional_entropy, (joint,)),
            (kl.mutual_information, (joint,)),
        ):
            assert measure(*given_, unit=unit) == measure(*given_) / math.log(base)


# ---- against SciPy and mpmath --------------------------------------------------------------------


@pytest.mark.parametrize(("count", "zeros"), [(2, 0.2), (5, 0.5), (20, 0.3), (100, 0.9)])
def test_ten_thousand_random_cases_against_scipy(count, zeros):
    random = np.random.default_rng(count)
    p, q = random.gamma(0.5, size=(2, 2500, count)) * (random.random((2, 2500, count)) > zeros)
    for w in (p, q):
        w[w.sum(axis=1) == 0.0, 0] = 1.0
    q[::2] += (q[::2] == 0.0) * 0.01  # half of the q leave nothing out
    p, q = (w / w.sum(axis=1, keepdims=True) for w in (p, q))
    # 1e-13: both sum at most 100 terms; 1e-15: SciPy's terms of both signs cancel to that
    near = {"rtol": 1e-13, "atol": 1e-15}
    divergence = kl.kl_divergence(p, q)
    assert np.isinf(divergence).any()
    assert np.isfinite(divergence).any()
    np.testing.assert_allclose(kl.entropy(p), scipy.stats.entropy(p, axis=1), **near)
    np.testing.assert_allclose(
        kl.entropy(p, unit="bits"), scipy.stats.entropy(p, base=2, axis=1), **near
    )
    np.testing.assert_allclose(divergence, scipy.stats.entropy(p, q, axis=1), **near)
    np.testing.assert_allclose(divergence, scipy.special.rel_entr(p, q).sum(axis=1), **near)
    crossed = (scipy.special.entr(p) + scipy.special.rel_entr(p, q)).sum(axis=1)
    np.testing.assert_allclose(kl.cross_entropy(p, q), crossed, **near)
    metric = scipy.spatial.distance.jensenshannon(p, q, axis=1)
    np.testing.assert_allclose(kl.jensen_shannon(p, q), metric**2, rtol=1e-12, atol=1e-15)


def test_digits_of_the_divergence_of_near_equals():
    p = np.array([0.5, 0.3, 0.2])
    direction = np.array([1.0, -2.0, 1.0])
    for step in (0.1, 0.03, 1e-3, 1e-6, 1e-9, 1e-12):
        q = p + step * direction
        with mp.workdps(60):
            a, b = ([mp.mpf(v) for v in r] for r in (p, q))
            a, b = ([v / sum(r) for v in r] for r in (a, b))
            exact = sum(u * mp.log(u / v) for u, v in zip(a, b, strict=True))
            mid = [(u + v) / 2 for u, v in zip(a, b, strict=True)]
            js = sum(
                u * mp.log(u / w) + v * mp.log(v / w) for u, v, w in zip(a, b, mid, strict=True)
            )
        # the sums of p and q are off 1 by some 1e-16 (the exact ones are not), which D feels to
        # second order; its own rounding is below 1e-14
        shift = abs(sum(map(Fraction, q.tolist())) - sum(map(Fraction, p.tolist())))
        tolerance = {"rel": 1e-14, "abs": 10.0 * float(shift) ** 2}
        assert kl.kl_divergence(p, q) == pytest.approx(float(exact), **tolerance)
        assert kl.jensen_shannon(p, q) == pytest.approx(float(js) / 2, **tolerance)


def test_extremes():
    # 0.0 and not -0.0
    assert str(kl.entropy([0, 1, 0])) == str(kl.entropy(jnp.array([0, 1, 0]))) == "0.0"
    assert not np.signbit(kl.cross_entropy([1, 0], [1, 0], explain=True).contributions).any()
    assert kl.cross_entropy([1, 0], [1, 0]) == 0.0
    assert kl.kl_divergence([1, 0], [1, 0]) == 0.0
    assert kl.kl_divergence([0.5, 0.5], [1, 0]) == math.inf
    assert kl.cross_entropy([0.5, 0.5], [1, 0]) == math.inf
    assert kl.kl_divergence([1, 0], [0.5, 0.5]) == math.log(2.0)
    tiny = 5e-324
    # log(5e-324) = −744.44; the divergence is that, less tiny · 744
    assert kl.cross_entropy([0, 1], [1, tiny]) == -math.log(tiny)
    assert kl.kl_divergence([0, 1], [1, tiny]) == pytest.approx(-math.log(tiny), rel=1e-15)
    assert kl.kl_divergence([1, tiny], [1, 0]) == math.inf
    assert kl.jensen_shannon([1, tiny], [1, 0]) == 0.0
    # p(x) p(y) = 1e-400 is not +inf: with e = 1e-200, I = −e log e − (1 − e) log(1 − e)
    joint = [[1.0, 0.0], [0.0, 1e-200]]
    assert kl.mutual_information(joint) == pytest.approx(
        1e-200 * (200.0 * math.log(10.0) + 1.0), rel=1e-14, abs=0.0
    )


# ---- shapes and counts ---------------------------------------------------------------------------


def test_axes_and_batches():
    random = np.random.default_rng(5)
    p, q = random.dirichlet(np.ones(6), size=(2, 4, 3))  # (4, 3, 6)
    one = q[0, 0]
    expected = np.array([[scipy.stats.entropy(a, one) for a in row] for row in p])
    np.testing.assert_allclose(kl.kl_divergence(p, one), expected, rtol=1e-12)
    moved = np.moveaxis(p, -1, 0)
    np.testing.assert_array_equal(kl.kl_divergence(moved, one, axis=0), kl.kl_divergence(p, one))
    np.testing.assert_array_equal(kl.kl_divergence(one, moved, axis=0), kl.kl_divergence(one, p))
    cube = p / 4
    np.testing.assert_allclose(
        kl.entropy(cube, axis=(0, -1)), [scipy.stats.entropy(cube[:, j].ravel()) for j in range(3)]
    )
    np.testing.assert_array_equal(
        kl.kl_divergence(cube, cube[:, 0], axis=(0, 2)),
        [kl.kl_divergence(cube[:, j], cube[:, 0], axis=(0, 1)) for j in range(3)],
    )
    joint = cube / 3
    x_and_y = kl.mutual_information(joint, axis=((0, 1), 2))
    assert x_and_y == pytest.approx(kl.mutual_information(joint.reshape(12, 6)), rel=1e-14)
    # the chain rule of information: I(X, Y; Z) = I(X; Z) + I(Y; Z | X), in entropies
    hz = kl.entropy(joint.sum(axis=(0, 1)))
    assert x_and_y == pytest.approx(hz - kl.conditional_entropy(joint, axis=2, given=(0, 1)))
    assert kl.entropy(np.zeros((0, 3))).shape == (0,)
    # the same sum, digit for digit, whatever the axis
    long = random.dirichlet(np.ones(1000), size=3)
    np.testing.assert_array_equal(kl.entropy(long.T.copy(), axis=0), kl.entropy(long))


def test_counts_are_divided_only_when_told():
    counts = np.array([[3, 1, 0], [0, 0, 7]])
    p = np.array([[0.75, 0.25, 0.0], [0.0, 0.0, 1.0]])
    assert isinstance(kl.entropy([1, 3], counts=True), float)
    np.testing.assert_array_equal(kl.entropy(counts, counts=True), kl.entropy(p))
    np.testing.assert_array_equal(kl.perplexity(counts, counts=True), kl.perplexity(p))
    q = [0.5, 0.25, 0.25]
    for measure in (kl.cross_entropy, kl.kl_divergence, kl.jensen_shannon):
        np.testing.assert_array_equal(measure(counts, q, counts="p"), measure(p, q))
        np.testing.assert_array_equal(measure(q, counts, counts="q"), measure(q, p))
        np.testing.assert_array_equal(measure(counts, [2, 1, 1], counts=True), measure(p, q))
        with pytest.raises(DataError, match=r"p\[0, :\] sums to 4.0, not to 1"):
            measure(counts, q)
        with pytest.raises(DataError, match=r"q sums to 4.0, not to 1"):
            measure(counts, [2, 1, 1], counts="p")
    table = [[2, 0], [1, 1]]
    assert kl.conditional_entropy(table, unit="bits", counts=True) == 0.5
    assert kl.mutual_information(table, counts=True) == kl.mutual_information(np.array(table) / 4)


def test_explanation():
    p, q = [0.5, 0.25, 0.25, 0.0], [0.25, 0.75, 0.0, 0.0]
    names = ["a", "b", "c", "d"]
    said = kl.kl_divergence(p, q, explain=True, names=names, unit="bits")
    assert isinstance(said, Explanation)
    assert said.value == float(said) == math.inf
    assert said.impossible == ((2,),)
    assert said.symbols == ("'c'",)
    # p log2(p/q): 0.5 · 1, 0.25 · log2(1/3), +inf, and 0 log(0/0) = 0
    expected = [0.5, 0.25 * math.log2(1 / 3), math.inf, 0.0]
    np.testing.assert_allclose(said.contributions, expected, rtol=1e-15)
    assert str(said) == "inf bits\n  q gives no probability to 1 symbol that p gives some: 'c'"
    assert kl.cross_entropy(p, q, explain=True).symbols == ("p[2]",)

    batch = np.array([p, q, [0.0, 0.0, 0.5, 0.5]]).T  # symbols on the first axis
    said = kl.cross_entropy(batch, q, axis=0, explain=True, names=names)
    np.testing.assert_array_equal(said.value, kl.cross_entropy(batch, q, axis=0))
    np.testing.assert_allclose(said.contributions.sum(axis=0), said.value)
    assert said.contributions.shape == batch.shape
    assert said.impossible == ((2, 0), (2, 2), (3, 2))
    assert said.symbols == ("'c' in p[:, 0]", "'c' in p[:, 2]", "'d' in p[:, 2]")
    fine = kl.kl_divergence(q, [0.25, 0.25, 0.25, 0.25], explain=True)
    assert fine.contributions.sum() == pytest.approx(fine.value, rel=1e-14)
    assert "q gives probability to every symbol" in str(fine)
