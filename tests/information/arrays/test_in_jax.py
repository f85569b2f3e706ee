"""Measures of probabilities in JAX: values as NumPy's, finite derivatives, and the precision."""

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kullback as kl
from kullback._core.errors import DataError

P = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
Q = np.array([[0.25, 0.75, 0.0], [0.0, 0.5, 0.5], [0.1, 0.2, 0.7], [0.5, 0.0, 0.5]])
PAIRS = [kl.cross_entropy, kl.kl_divergence, kl.jensen_shannon]


@pytest.mark.parametrize("measure", PAIRS)
def test_jax_pairs(measure):
    """Values as NumPy's, under jit and vmap; gradients finite also at 0, at 1 and at +inf."""
    with jax.enable_x64(True):
        p, q = jnp.asarray(P), jnp.asarray(Q)
        value = measure(p, q)
        assert isinstance(value, jax.Array)
        assert value.dtype == jnp.float64
        # 1e-14: XLA's logarithm is not NumPy's to the last digit
        np.testing.assert_allclose(value, measure(P, Q), rtol=1e-14)
        mapped = jax.jit(jax.vmap(jax.value_and_grad(measure, argnums=(0, 1))))
        values, slopes = mapped(p, q)
        np.testing.assert_allclose(values, value, rtol=1e-14)
        assert all(bool(jnp.all(jnp.isfinite(s))) for s in slopes)
        curvature = jax.jit(jax.vmap(jax.hessian(measure)))(p, q)
        assert bool(jnp.all(jnp.isfinite(curvature)))
    # row 2 has no zeros: the derivatives by hand
    p2, q2 = P[2], Q[2]
    m2 = (p2 + q2) / 2
    by_hand = {
        kl.cross_entropy: (-np.log(q2), -p2 / q2),
        kl.kl_divergence: (np.log(p2 / q2), 1.0 - p2 / q2),
        kl.jensen_shannon: (np.log(p2 / m2) / 2, np.log(q2 / m2) / 2),
    }[measure]
    for slope, hand in zip(slopes, by_hand, strict=True):
        np.testing.assert_allclose(slope[2], hand, rtol=1e-13, atol=1e-14)


def test_jax_entropy_at_the_corners_of_the_simplex():
    with jax.enable_x64(True):
        p = jnp.asarray(P)
        values, slopes = jax.jit(jax.vmap(jax.value_and_grad(kl.entropy)))(p)
        np.testing.assert_allclose(values, kl.entropy(P), rtol=1e-14)
        some = P > 0.0
        # −log p − 1, and by convention 0 where p is 0
        by_hand = np.where(some, -np.log(np.where(some, P, 1.0)) - 1.0, 0.0)
        np.testing.assert_allclose(slopes, by_hand, rtol=1e-14, atol=1e-15)
        perplexities = jax.jit(jax.vmap(jax.grad(kl.perplexity)))(p)
        np.testing.assert_allclose(perplexities, kl.perplexity(P)[:, None] * by_hand, rtol=1e-14)

        # the reason for that 0: along softmax, whose far end is p = 0, the derivative tends to it
        def along(z):
            return kl.entropy(jax.nn.softmax(jnp.array([0.0, 1.0, z])))

        near, far = jax.jit(jax.vmap(jax.grad(along)))(jnp.array([-40.0, -800.0]))
        assert 0.0 < near < 1e-15  # about 40 e^-40
        assert far == 0.0


@pytest.mark.parametrize("measure", [kl.conditional_entropy, kl.mutual_information])
def test_jax_tables(measure):
    joint = np.array(
        [[[0.5, 0.0], [0.25, 0.25]], [[0.0, 0.0], [0.0, 1.0]], [[0.1, 0.2], [0.3, 0.4]]]
    )
    with jax.enable_x64(True):
        values, slopes = jax.jit(jax.vmap(jax.value_and_grad(measure)))(jnp.asarray(joint))
        np.testing.assert_allclose(values, measure(joint), rtol=1e-13, atol=1e-16)
        assert bool(jnp.all(jnp.isfinite(slopes)))
    # the last table by hand: −log p(y|x), and log p(x, y)/(p(x) p(y)) up to a constant
    t = joint[2]
    x, y = t.sum(axis=1, keepdims=True), t.sum(axis=0, keepdims=True)
    hand = -np.log(t / x) if measure is kl.conditional_entropy else np.log(t / (x * y))
    slope = np.asarray(slopes[2])
    np.testing.assert_allclose(slope - slope[0, 0], hand - hand[0, 0], rtol=1e-12, atol=1e-14)


def test_precision_of_what_was_given_is_kept():
    p = jnp.array([0.1, 0.2, 0.7])  # float32
    value = kl.kl_divergence(p, [0.2, 0.2, 0.6])
    assert value.dtype == jnp.float32
    # float32: a few roundings of 6e-8
    np.testing.assert_allclose(value, kl.kl_divergence([0.1, 0.2, 0.7], [0.2, 0.2, 0.6]), rtol=3e-6)
    near = kl.kl_divergence(p, p * jnp.array([1.0, 1.0 + 1e-4, 1.0 - 1e-4 * 2 / 7]))
    assert near == pytest.approx(0.5 * (0.2 * 1e-8 + 0.7 * (1e-4 * 2 / 7) ** 2), rel=1e-2)
    assert kl.entropy(jnp.array([0.5, 0.5], dtype=jnp.bfloat16)).dtype == jnp.float32
    assert kl.entropy(jnp.array([1, 0])).dtype == jnp.float32
    with jax.enable_x64(True):
        double = jnp.array([0.5, 0.5])
    outside = kl.entropy(double)  # outside of the context JAX would round it to float32
    assert outside.dtype == np.float64
    assert float(outside) == math.log(2.0)
    # NumPy: always float64, and a float32 array may be off 1 by float32's rounding
    thirds = np.full(3, 1 / 3, dtype=np.float32)
    assert kl.entropy(thirds) == pytest.approx(math.log(3.0), rel=1e-7)
    with pytest.raises(DataError, match=r"sums to 1\.0000000298"):
        kl.entropy(thirds.astype(np.float64))
    assert kl.entropy([Fraction(1, 2), Fraction(1, 2)]) == math.log(2.0)
    assert isinstance(kl.entropy([True, False]), float)
