"""Mixtures within mixtures whose components read columns."""

import numpy as np
import pytest

import kullback as kl


def three_lines():
    random = np.random.default_rng(1)
    x, group = random.standard_normal(600), random.integers(0, 3, 600)
    lines = np.array([1.0 + 2.0 * x, -2.0 - x, 5.0 + 0.0 * x])
    return {"x": x, "y": lines[group, np.arange(600)] + 0.4 * random.standard_normal(600)}


def line():
    return kl.Normal(loc="~ x")


def test_a_nested_mixture_of_regressions_says_to_write_one_mixture():
    nested = kl.Mixture([kl.Mixture([line(), line()]), line()])
    with pytest.raises(kl.ModelError, match=r"itself a mixture, .* in one kl.Mixture"):
        kl.fit(nested, three_lines(), "y")


def test_one_mixture_of_the_same_components_is_fitted():
    fit = kl.fit(kl.Mixture([line(), line(), line()]), three_lines(), "y")
    assert fit.convergence.converged
    # the lines that the rows were drawn from: 200 rows each, errors 0.4/√200 = 0.03
    found = sorted(list(fit.params[f"components[{k}].loc"].values()) for k in range(3))
    np.testing.assert_allclose(found, [[-2.0, -1.0], [1.0, 2.0], [5.0, 0.0]], atol=0.12)
