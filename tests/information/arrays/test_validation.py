"""Refusals of the measures of arrays: not a distribution, and arguments that do not match."""

import math
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kullback as kl
from kullback._core.errors import DataError, KullbackError
from kullback.information.arrays import logits


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (
            [0.5, 0.4],
            r"^p sums to 0.9, not to 1 .* counts=True.* p / p.sum\(axis=0, keepdims=True\)",
        ),
        ([[0.5, 0.5], [0.2, 0.2]], r"^p\[1, :\] sums to 0.4"),
        ([[0.5, 0.5], [1.5, -0.5]], r"^p\[1, 1\] is -0.5: a probability cannot be negative$"),
        ([math.nan, math.nan], r"^p\[0\] is nan: give a finite number \(and so are 1 more\)"),
        ([math.inf, 0.0], r"^p\[0\] is inf"),
        ([1.0, -1e-17], r"^p\[1\] is -1e-17: a probability cannot be negative"),
        ([3, 1], "sums to 4.0"),
        ([0.0, 0.0], "sums to 0.0"),
        ([1.0, 1e-11], "not to 1 "),  # the tolerance is 1.8e-12
        (1.0, "p is a single number"),
        ([], r"no symbols along axis=-1"),
        (["0.5", "0.5"], "p is text"),
        ([0.5 + 0j, 0.5], "p is of type complex128"),
        ([[0.5, 0.5], [1.0]], "p is not an array of numbers"),
        (None, "p is of type NoneType"),
        (np.ma.array([0.5, 0.5, 0.5], mask=[0, 0, 1]), "masked"),
    ],
)
def test_no_distribution(p, words):
    with pytest.raises(DataError, match=words):
        kl.entropy(p)


def test_jax_values_are_checked_where_they_are_known():
    with pytest.raises(DataError, match=r"^p sums to 0.8"):
        kl.entropy(jnp.array([0.5, 0.3]))
    with pytest.raises(DataError, match=r"complex64"):
        kl.entropy(jnp.array([0.5, 0.5j]))
    # a tracer has no value, but a shape
    assert jax.jit(kl.entropy)(jnp.array([0.5, 0.3])) > 0.0
    with pytest.raises(DataError, match="shape"):
        jax.jit(kl.kl_divergence)(jnp.ones(2), jnp.ones(3))
    with pytest.raises(DataError, match="jit does not have"):
        jax.jit(lambda p: kl.kl_divergence(p, p, explain=True).value)(jnp.array([0.5, 0.5]))


HALVES = [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: kl.kl_divergence(HALVES, [0.2, 0.3, 0.5]),
            r"p has shape \(2,\) and q has \(3,\)|q has shape \(3,\) and p has \(2,\)",
        ),
        (
            lambda: kl.kl_divergence(np.ones((2, 2)) / 2, np.ones((1, 2)) / 2),
            r"single distribution of shape \(2,\)",
        ),
        (lambda: kl.kl_divergence(HALVES, [0.5, 0.6]), r"^q sums to 1.1"),
        (lambda: kl.entropy(HALVES, axis=1), r"axis=1 does not exist in p of shape \(2,\)"),
        (lambda: kl.entropy(np.eye(2) / 2, axis=(0, -2)), "twice"),
        (lambda: kl.entropy([1, -1], counts=True), r"^p\[1\] is -1.0: a count cannot be negative"),
        (lambda: kl.entropy([0, 0], counts=True), r"^p sums to 0.0, counts need a finite sum > 0"),
        (lambda: kl.entropy([1e308, 1e308], counts=True), r"^p sums to inf"),
        (lambda: kl.jensen_shannon(HALVES, HALVES, weights=(0.5, 0.6)), "two positive numbers"),
        (lambda: kl.jensen_shannon(HALVES, HALVES, weights=(1.0, 0.0)), "two positive numbers"),
        (lambda: kl.mutual_information(HALVES), "an axis for X and one for Y"),
        (lambda: kl.mutual_information(np.eye(2) / 2, axis=(0, 0)), "must be different ones"),
        (lambda: kl.conditional_entropy(np.eye(2)), r"^joint sums to 2.0"),
        (lambda: kl.kl_divergence(HALVES, HALVES, names=["a", "b"]), "add explain=True"),
        (lambda: kl.kl_divergence(HALVES, HALVES, explain=True, names=["a"]), "holds 1 names"),
        (lambda: logits.entropy_from_logits([0.0, math.nan]), r"^logits\[1\] is nan: a logit is"),
        (lambda: logits.entropy_from_logits([0.0, math.inf]), r"^logits\[1\] is inf"),
        (lambda: logits.entropy_from_logits([[0.0], [-math.inf]]), r"logits\[1, :\] are -inf"),
        (lambda: logits.cross_entropy_from_logits([0.5, 0.6], [0.0, 0.0]), r"^p sums to 1.1"),
    ],
)
def test_arguments_that_do_not_match(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_unknown_unit():
    with pytest.raises(KullbackError, match="Use one of 'nats', 'bits', 'hartleys'"):
        kl.entropy(HALVES, unit="bytes")


def test_wrong_axes_and_units_are_refused():
    """In another process: here the annotations are checked before it comes to that."""
    code = """
import kullback as kl
for wrong in ({"axis": None}, {"axis": 1.0}, {"unit": None}):
    try:
        kl.entropy([[0.5, 0.5]], **wrong)
    except kl.KullbackError as error:
        print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [
        "axis=None is not an axis of p: give a number or a tuple; all axes are axis=(0, 1)",
        "axis=1.0 is not an axis of p: give a number or a tuple; all axes are axis=(0, 1)",
        "unit=None is not a unit of information. Use one of 'nats', 'bits', 'hartleys'.",
    ]
