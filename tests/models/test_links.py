"""Links: inverses and their derivatives against mpmath, far into the tails, and their domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import kullback as kl
from kullback._core.arrays import float64
from kullback._core.domains import POSITIVE, REAL, UNIT
from kullback.models.links import LINKS

TAILS = [-300.0, -30.0, -8.0, -1.5, -1.0, -0.3, 0.0, 0.7, 2.0, 5.5]
POSITIVES = [1e-200, 1e-30, 0.3, 1.0, 7.0, 1e30]

INVERSES: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "identity": (lambda t: t, TAILS),
    "log": (mp.exp, TAILS),
    "logit": (lambda t: 1 / (1 + mp.exp(-t)), TAILS),
    "probit": (mp.ncdf, [-37.0, *TAILS[1:]]),  # beyond, it is below the doubles
    "cloglog": (lambda t: -mp.expm1(-mp.exp(t)), [*TAILS[:-1], 3.0]),
    "cauchit": (lambda t: mp.mpf(1) / 2 + mp.atan(t) / mp.pi, [-1e100, *TAILS, 1e3]),
    "inverse": (lambda t: 1 / t, POSITIVES[1:]),
    "inverse-squared": (lambda t: 1 / mp.sqrt(t), POSITIVES[1:]),
    "sqrt": (lambda t: t * t, POSITIVES[1:]),
    "softplus": (lambda t: mp.log1p(mp.exp(t)), [*TAILS, 40.0, 700.0]),
}


@pytest.mark.parametrize("name", LINKS)
def test_inverses_and_two_derivatives_hold_in_the_tails(name: str) -> None:
    inverse, points = INVERSES[name]
    link = LINKS[name]
    with float64():
        functions = [link.inverse, jax.grad(link.inverse), jax.grad(jax.grad(link.inverse))]
        found = np.array([[float(f(jnp.asarray(t))) for f in functions] for t in points])
    with mp.workdps(400):
        exact = [
            [float(inverse(mp.mpf(t))), *(float(mp.diff(inverse, mp.mpf(t), n)) for n in (1, 2))]
            for t in points
        ]
    # rounding of the argument of an exponential at 300: 300 eps
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", LINKS)
def test_a_link_and_its_inverse_undo_each_other(name: str) -> None:
    link = LINKS[name]
    values = [1e-9, 0.2, 0.9] if link.values == UNIT else [1e-9, 0.2, 3.0, 1e6]
    with float64():
        found = [float(link.inverse(jnp.asarray(link.forward(v)))) for v in values]
    np.testing.assert_allclose(found, values, rtol=1e-9)


def test_outside_its_domain_a_parameter_is_nan() -> None:
    with float64():
        eta = jnp.asarray([-2.0, 0.0, 3.0])
        inverse = LINKS["inverse"].parameter(eta, POSITIVE)
        identity = LINKS["identity"].parameter(eta, POSITIVE)
        inside = LINKS["identity"].parameter(eta, REAL)
    np.testing.assert_array_equal(inverse, [np.nan, np.nan, 1 / 3.0])
    np.testing.assert_array_equal(identity, [np.nan, np.nan, 3.0])
    np.testing.assert_array_equal(inside, eta)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: kl.Poisson(rate=kl.Formula("~ x", link="logg")), "there is no link 'logg'"),
        (
            lambda: kl.Categorical(logits=kl.Formula("~ x", link="log")),
            "logits of classes and weights of components take no link",
        ),
        (
            lambda: kl.Normal(loc=kl.Formula("~ x", exposure="n")),
            'an exposure multiplies a parameter, .* needs the link "log"',
        ),
        (lambda: kl.Formula("~ x", offset=3), "offset must be the name of a column"),
    ],
)
def test_wrong_options_of_a_formula_are_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(kl.ModelError, match=said):
        make()
