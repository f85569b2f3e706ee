"""Elementwise functions with their partial derivatives written down, of any order."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

Elementwise = Callable[..., jax.Array]


def with_partials(*partials: Elementwise) -> Callable[[Elementwise], Elementwise]:
    """Give an elementwise function its partial derivatives, one per positional argument.

    A partial is built only for an argument that really carries a tangent. So a parameter's
    derivative costs nothing for the other arguments, and a partial that is infinite at an argument
    that nobody differentiates (a count of zero, say) cannot turn `0 * inf` into a NaN. Arguments
    broadcast against each other and are never broadcast before the function needs it: a scalar
    parameter stays a scalar. Because the partials are functions of the primal values alone, they
    may contain loops and the function is still differentiable in reverse mode.

    Args:
        *partials: functions of the same arguments; differentiable themselves if second derivatives
            are wanted.

    Returns:
        A decorator.
    """

    def decorate(function: Elementwise) -> Elementwise:
        differentiable = jax.custom_jvp(function)

        def tangent_rule(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
            value = differentiable(*primals)
            total = jnp.zeros((), value.dtype)
            for partial, tangent in zip(partials, tangents, strict=True):
                if not isinstance(tangent, SymbolicZero):
                    total = total + partial(*primals) * tangent
            return value, jnp.broadcast_to(total, value.shape)

        differentiable.defjvp(tangent_rule, symbolic_zeros=True)

        def call(*args: jax.typing.ArrayLike) -> jax.Array:
            dtype = jnp.result_type(float, *args)
            result: jax.Array = differentiable(*(jnp.asarray(arg, dtype) for arg in args))
            return result

        call.__name__ = function.__name__
        call.__qualname__ = function.__qualname__
        call.__doc__ = function.__doc__
        call.__module__ = function.__module__
        call.__annotations__ = function.__annotations__
        return call

    return decorate
