"""Elementwise functions with explicit partial derivatives, of any order."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from kullback._core.derivatives import is_traced_for_numpy, marked

Elementwise = Callable[..., jax.Array]


def with_partials(*partials: Elementwise) -> Callable[[Elementwise], Elementwise]:
    """Give an elementwise function its partial derivatives, one per positional argument.

    A partial is evaluated only for arguments that carry a tangent. So the derivative in a parameter
    costs nothing for the other arguments, and an infinite partial in an argument that is not
    differentiated (a count of zero, say) cannot make a NaN of `0 * inf`. Arguments are broadcast
    only where the function needs it: a scalar parameter stays a scalar. The partials depend on the
    primal values alone, so they may contain loops and reverse mode still works.

    Args:
        *partials: functions of the same arguments; differentiable themselves if second derivatives
            are needed.

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

        for_numpy = marked(function, partials)

        def call(*args: jax.typing.ArrayLike) -> jax.Array:
            dtype = jnp.result_type(float, *args)
            chosen = for_numpy if is_traced_for_numpy() else differentiable
            result: jax.Array = chosen(*(jnp.asarray(arg, dtype) for arg in args))
            return result

        call.__name__ = function.__name__
        call.__qualname__ = function.__qualname__
        call.__doc__ = function.__doc__
        call.__module__ = function.__module__
        call.__annotations__ = function.__annotations__
        return call

    return decorate
