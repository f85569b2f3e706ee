"""Mixtures whose components read columns, within mixtures and other models made of models."""

import numpy as np
import pytest
import scipy.stats

import kullback as kl


def three_lines():
    random = np.random.default_rng(1)
    x, group = random.standard_normal(300), random.integers(0, 3, 300)
    lines = np.array([1.0 + 2.0 * x, -2.0 - x, 5.0 + 0.0 * x])
    return {"x": x, "y": lines[group, np.arange(300)] + 0.4 * random.standard_normal(300)}


def line(of=kl.Normal, parameter="loc"):
    return of(**{parameter: "~ x"})


def test_a_nested_mixture_of_regressions_is_the_one_mixture_of_its_components():
    one = kl.fit(kl.Mixture([line(), line(), line()]), three_lines(), "y")
    assert one.convergence.converged
    # the lines that the rows were drawn from: 100 rows each, errors 0.4/√100 = 0.04
    found = sorted(list(one.params[f"components[{k}].loc"].values()) for k in range(3))
    np.testing.assert_allclose(found, [[-2.0, -1.0], [1.0, 2.0], [5.0, 0.0]], atol=0.16)
    nested = kl.fit(kl.Mixture([kl.Mixture([line(), line()]), line()]), three_lines(), "y")
    assert nested.convergence.converged
    assert nested.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-9)
    names = ["components[0].components[0]", "components[0].components[1]", "components[1]"]
    lines = [list(nested.params[f"{name}.loc"].values()) for name in names]
    np.testing.assert_allclose(sorted(lines), found, atol=1e-6)
    assert lines[0] < lines[1]  # those that could change places are in order


def two_lines():
    random = np.random.default_rng(2)
    x, first = random.standard_normal(800), random.random(800) < 0.4
    y = np.where(first, 1.0 + 2.0 * x, 6.0 - x) + 0.5 * random.standard_normal(800)
    return {"x": x[y > 0.0], "y": y[y > 0.0]}


def test_a_truncated_mixture_of_regressions():
    data = two_lines()
    fit = kl.fit(kl.Truncated(kl.Mixture([line(), line()]), lower=0.0), data, "y")
    assert fit.convergence.converged
    estimates = np.array([list(fit.params[f"components[{k}].loc"].values()) for k in (0, 1)])
    np.testing.assert_allclose(estimates, [[1.0, 2.0], [6.0, -1.0]], atol=0.2)  # four errors
    # the same likelihood by SciPy's formulas of the two normal distributions
    parts = [
        scipy.stats.norm(a + b * data["x"], fit.params[f"components[{k}].scale"])
        for k, (a, b) in enumerate(estimates)
    ]
    w = fit.params["weights"]
    density = w[0] * parts[0].pdf(data["y"]) + w[1] * parts[1].pdf(data["y"])
    kept = w[0] * parts[0].sf(0.0) + w[1] * parts[1].sf(0.0)
    assert fit.log_likelihood == pytest.approx(np.sum(np.log(density / kept)), rel=1e-11)
    # a cut sample has the same estimates
    cut = kl.fit(kl.Mixture([line(), line()]), data, "y", truncation=(0.0, None))
    assert cut.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)


def test_a_zero_inflated_mixture_of_regressions(tmp_path):
    random = np.random.default_rng(3)
    x, z, first = random.standard_normal(900), random.random(900), random.random(900) < 0.4
    rate = np.where(first, np.exp(0.3 + 0.8 * x), np.exp(2.0 - 0.5 * x))
    data = {"x": x, "y": np.where(z < 0.3, 0, random.poisson(rate))}
    counts = kl.Mixture([line(kl.Poisson, "rate")] * 2)
    fit = kl.fit(kl.ZeroInflated(counts, zero_probability="~ x"), data, "y")
    assert fit.convergence.converged
    found = [list(fit.params[f"components[{k}].rate"].values()) for k in (0, 1)]
    np.testing.assert_allclose(found, [[0.3, 0.8], [2.0, -0.5]], atol=0.4)  # four errors
    p = 1.0 / (1.0 + np.exp(-(np.array([1.0 + 0.0 * x, x]).T @ _values(fit, "zero_probability"))))
    each = [scipy.stats.poisson(np.exp(a + b * x)).pmf(data["y"]) for a, b in found]
    mass = p * (data["y"] == 0) + (1.0 - p) * (fit.params["weights"] @ np.array(each))
    assert fit.log_likelihood == pytest.approx(np.sum(np.log(mass)), rel=1e-11)
    fit.save(tmp_path / "fit.json")
    np.testing.assert_array_equal(kl.load(tmp_path / "fit.json").predict(data), fit.predict(data))


def _values(fit, name):
    return np.array(list(fit.params[name].values()))


def test_a_shifted_mixture_of_regressions_says_what_to_write():
    model = kl.Shifted(kl.Mixture([line(kl.Gamma, "mean")] * 2))
    with pytest.raises(kl.ModelError, match=r"write the mixture outside, kl.Mixture\(\[kl.Shifted"):
        kl.fit(model, two_lines(), "y")
