"""Measures of logits: mpmath, what probabilities give, units, and their derivatives in JAX."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special

import kullback as kl
from kullback.information.arrays import logits


def mp_log_softmax(z):
    z = [mp.mpf(v) if v > -math.inf else mp.ninf for v in z]
    total = mp.log(sum(mp.exp(v) for v in z if v != mp.ninf))
    return [v - total if v != mp.ninf else None for v in z]


LOGITS = [
    ([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]),
    ([0.0, -50.0, 3.0], [-50.0, 0.0, 3.0]),
    ([0.0, -50.0, -60.0], [0.0, -50.5, -60.0]),  # entropies of 1e-20
    ([1e4, -1e4, 0.0], [-1e4, 1e4, 5.0]),
    ([700.0, 800.0, 799.0], [-700.0, -800.0, -799.5]),
    ([0.0, -math.inf, 1.0], [2.0, 0.0, 1.0]),
    ([0.0, -math.inf, 1.0], [2.0, -math.inf, 1.0]),
    ([0.0, 1e4, -math.inf], [-1e4, 1e4, -math.inf]),
    ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0 + 1e-6]),
]


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_logits_against_mpmath(kind):
    p_logits, q_logits = (np.array([pair[k] for pair in LOGITS]) for k in (0, 1))
    expected = []
    with mp.workdps(60):
        for a, b in LOGITS:
            lp, lq = mp_log_softmax(a), mp_log_softmax(b)
            pairs = [(u, v) for u, v in zip(lp, lq, strict=True) if u is not None]
            entropy = -sum(mp.exp(u) * u for u, _ in pairs)
            crossed = -sum(mp.exp(u) * v for u, v in pairs)
            expected.append([entropy, crossed, crossed - entropy])
    entropy, crossed, divergence = np.array(expected, dtype=float).T
    with jax.enable_x64(True):
        p, q = kind(p_logits), kind(q_logits)
        # 1e-13 relative, also of 1e-20: log1p keeps what a sum with 1 would lose
        np.testing.assert_allclose(logits.entropy_from_logits(p), entropy, rtol=1e-13)
        found = np.asarray(logits.kl_divergence_from_logits(p, q))
        # of the last case 1e-6: u is a difference of logits near 3, to 4e-16 of 1e-6
        np.testing.assert_allclose(found[:-1], divergence[:-1], rtol=1e-13)
        np.testing.assert_allclose(found[-1], divergence[-1], rtol=1e-9)
        np.testing.assert_allclose(logits.perplexity_from_logits(p), np.exp(entropy), rtol=1e-13)
        np.testing.assert_array_equal(logits.kl_divergence_from_logits(p, p), 0.0)
        # probabilities that underflow to 0 add nothing to H(p, q) that a double could show
        probabilities = np.exp(
            [[-math.inf if v is None else float(v) for v in row] for row in _logs()]
        )
        np.testing.assert_allclose(
            logits.cross_entropy_from_logits(kind(probabilities), q), crossed, rtol=1e-13
        )


def _logs():
    with mp.workdps(60):
        return [mp_log_softmax(a) for a, _ in LOGITS]


def test_logits_give_what_probabilities_give():
    random = np.random.default_rng(4)
    p_logits, q_logits = random.normal(scale=3.0, size=(2, 50, 12))
    p_logits[:, 3] = q_logits[:, 3] = p_logits[:, 5] = -math.inf
    p, q = (scipy.special.softmax(z, axis=1) for z in (p_logits, q_logits))
    weights = (0.25, 0.75)
    joint, table = p_logits[:, :, None] + random.normal(size=(50, 12, 4)), (1, 2)
    joint[:, 2, 1] = -math.inf
    probabilities = scipy.special.softmax(joint, axis=table)
    # 1e-12: SciPy's softmax is right to some 1e-15, and the smallest I here is 0.1
    for from_logits, of_probabilities in (
        (logits.entropy_from_logits(p_logits), kl.entropy(p)),
        (logits.kl_divergence_from_logits(p_logits, q_logits), kl.kl_divergence(p, q)),
        (
            logits.jensen_shannon_from_logits(p_logits, q_logits, weights=weights),
            kl.jensen_shannon(p, q, weights=weights),
        ),
        (logits.conditional_entropy_from_logits(joint), kl.conditional_entropy(probabilities)),
        (
            logits.conditional_entropy_from_logits(joint, axis=1, given=2),
            kl.conditional_entropy(probabilities, axis=1, given=2),
        ),
        (logits.mutual_information_from_logits(joint), kl.mutual_information(probabilities)),
    ):
        np.testing.assert_allclose(from_logits, of_probabilities, rtol=1e-12)
    # finite logits, however far down, are mass: q has none there
    assert logits.kl_divergence_from_logits([0.0, -1e4], [0.0, -math.inf]) == math.inf
    assert logits.cross_entropy_from_logits([0.5, 0.5], [0.0, -math.inf]) == math.inf
    assert logits.jensen_shannon_from_logits([0.0, -math.inf], [-math.inf, 0.0]) == math.log(2.0)


def test_units_differ_by_exactly_the_factor():
    z, w = np.random.default_rng(6).normal(scale=3.0, size=(2, 50, 3, 4))
    for measure, given in (
        (logits.entropy_from_logits, (z,)),
        (logits.cross_entropy_from_logits, (scipy.special.softmax(w, axis=-1), z)),
        (logits.kl_divergence_from_logits, (z, w)),
        (logits.jensen_shannon_from_logits, (z, w)),
        (logits.conditional_entropy_from_logits, (z,)),
        (logits.mutual_information_from_logits, (z,)),
    ):
        nats = measure(*given)
        for unit, base in (("bits", 2.0), ("hartleys", 10.0)):
            np.testing.assert_array_equal(measure(*given, unit=unit), nats / math.log(base))


def test_labels_may_be_counts():
    found = logits.cross_entropy_from_logits([1, 3], [0.0, 0.0], counts=True)
    assert found == math.log(2.0)


def test_jax_logits():
    z = np.array([[0.0, 0.0, 0.0], [5.0, -1e4, 1e4], [0.0, -math.inf, 0.0], [1.0, 2.0, -math.inf]])
    w = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [0.0, -math.inf, 1.0], [-math.inf, 0.0, 0.0]])
    with jax.enable_x64(True):
        a, b = jnp.asarray(z), jnp.asarray(w)
        for measure in (logits.kl_divergence_from_logits, logits.jensen_shannon_from_logits):
            both = jax.value_and_grad(measure, argnums=(0, 1))
            values, slopes = jax.jit(jax.vmap(both))(a, b)
            np.testing.assert_allclose(values, measure(z, w), rtol=1e-13)
            assert all(bool(jnp.all(jnp.isfinite(s))) for s in slopes)
            if measure is logits.kl_divergence_from_logits:
                # d/dw D(p‖q) = q − p
                gap = scipy.special.softmax(w[0]) - scipy.special.softmax(z[0])
                np.testing.assert_allclose(slopes[1][0], gap, rtol=1e-13)
        values, slopes = jax.jit(jax.vmap(jax.value_and_grad(logits.entropy_from_logits)))(a)
        np.testing.assert_allclose(values, logits.entropy_from_logits(z), rtol=1e-13)
        # dH/dz = −p (log p + H), 0 for the uniform, ties and all
        p = scipy.special.softmax(z, axis=1)
        hand = scipy.special.entr(p) - p * scipy.special.entr(p).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(slopes, hand, atol=1e-15)
        loss = jax.jit(jax.vmap(jax.value_and_grad(logits.cross_entropy_from_logits, argnums=1)))
        labels = np.eye(3)[[0, 1, 2, 0]]
        values, slopes = loss(jnp.asarray(labels), a)
        np.testing.assert_allclose(values, [math.log(3), 2e4, math.log(2), math.log1p(math.e)])
        np.testing.assert_allclose(slopes, p - labels, atol=1e-15)
        joint = jnp.stack([a, b])
        for measure in (
            logits.conditional_entropy_from_logits,
            logits.mutual_information_from_logits,
        ):
            slopes = jax.jit(jax.vmap(jax.grad(measure)))(joint)
            assert bool(jnp.all(jnp.isfinite(slopes)))


def test_logits_too_far_apart_for_a_double_warn_of_nothing():
    # D is 2e308 here, beyond the largest double: inf, and no warning (which were an error)
    assert logits.kl_divergence_from_logits([1e308, -1e308], [-1e308, 1e308]) == np.inf
