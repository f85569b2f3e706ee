"""The Hurwitz zeta function ζ(s, a) = Σ (a + k)^−s, in logarithms, with derivatives in s.

Eight terms are added up and the rest is Euler's and Maclaurin's series (DLMF 25.11.5):

    Σ_{k≥N} (a + k)^−s = b^(1−s)/(s − 1) + b^−s/2 + Σ_j B_2j/(2j)! s (s+1)…(s+2j−2) b^(1−s−2j)

with b = a + N. In units of its first term everything stays in range.
"""

import math

import jax
import jax.numpy as jnp

from kullback.special.numerics import log1p, reciprocal

_TERMS = 10
# B_2j/(2j)!, j = 1, …, 10
_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
    -174611 / 330,
)  # fmt: skip
_COEFFICIENTS = tuple(b / math.factorial(2 * j) for j, b in enumerate(_BERNOULLI, start=1))


def log_zeta(s: jax.Array, a: jax.Array) -> jax.Array:
    """Return log ζ(s, a) for s > 1 and a ≥ 1, by elementwise JAX."""
    log_a = jnp.log(a)
    total = jnp.zeros_like(s * a)  # beyond the first term
    for k in range(1, _TERMS):
        total = total + jnp.exp(-s * jnp.log1p(k / a))
    b = a + _TERMS
    last = jnp.exp(-s * jnp.log1p(_TERMS / a))  # (b/a)^−s
    r = 1.0 / b
    rest = b * reciprocal(s - 1.0) + 0.5
    rising = s * r
    for j, coefficient in enumerate(_COEFFICIENTS, start=1):
        rest = rest + coefficient * rising
        rising = rising * (s + (2.0 * j - 1.0)) * (s + 2.0 * j) * (r * r)
    return log1p(total + last * rest) - s * log_a
