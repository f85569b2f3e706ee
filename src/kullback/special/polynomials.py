"""Polynomials by Horner's scheme, and their divided differences without cancellation."""

import jax
import jax.numpy as jnp


def horner(coefficients: tuple[float, ...], u: jax.Array) -> jax.Array:
    """Return the value of the polynomial with these ascending coefficients."""
    total = jnp.full_like(u, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * u + coefficient
    return total


def horner_with_divided_difference(
    coefficients: tuple[float, ...], u: jax.Array, v: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return p(u) and its divided difference (p(u) − p(v)) / (u − v) without cancellation."""
    value = jnp.full_like(u, coefficients[-1])
    difference = jnp.zeros_like(u * v)
    for coefficient in coefficients[-2::-1]:
        difference = difference * v + value
        value = value * u + coefficient
    return value, difference
