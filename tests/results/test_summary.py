"""Summaries: what cannot be computed is not shown as a number, and what misleads is said."""

import numpy as np
import pytest
import scipy.stats

import kullback as kl


def test_the_summary_of_outcomes_near_the_least_double():
    x = [1e-300, 2e-300, 3e-300]  # their variance, 1e-600, is no double: math domain error
    fit = kl.fit(kl.Beta(), x)
    printed = str(fit.summary())
    # so close to zero the beta density is a gamma density with rate beta: SciPy's at the estimates
    gamma = scipy.stats.gamma(fit.params["alpha"], scale=1.0 / fit.params["beta"])
    assert f"log-likelihood {gamma.logpdf(x).sum():,.4f}" in printed
    line = next(line for line in printed.splitlines() if line.startswith("cross-entropy "))
    assert line.split()[1:3] == [f"{-gamma.logpdf(x).mean():.6f}", "of"]  # without an error
    assert "nan" not in printed
    assert "nan" not in fit.summary().html()


def test_an_entropy_from_few_rows_has_a_caution_with_what_it_can_tell():
    x = np.random.default_rng(1).gamma(2.0, size=29)
    fit = kl.fit(kl.Gamma(), x)
    least = 1.959963984540054 * fit.entropy_estimate.relative_error / np.log(2.0)
    said = f"below {least:.2g} bits cannot be distinguished from 0"
    assert said in " ".join(str(fit.summary("bits")).split())
    assert said in fit.summary("bits").html()
    more = kl.fit(kl.Gamma(), np.append(x, 1.5))
    assert "cannot be distinguished from 0" not in str(more.summary())


@pytest.mark.parametrize(
    "model",
    [kl.Poisson(rate="~ a"), kl.Normal(loc="~ a"), kl.Bernoulli(logit="~ a")],
)
def test_a_regression_says_why_it_has_no_entropy(model):
    data = {"a": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "y": [0, 1, 0, 1, 1, 0]}
    fit = kl.fit(model, data, "y")
    line = next(line for line in fit.decomposition().lines if line.name == "entropy")
    assert np.isnan(line.value)
    assert line.note == "no estimate: the distribution depends on a (see fit.deviance)"
    assert fit.deviance("bits").null >= fit.decomposition("bits")["cross-entropy"]  # it is there


def test_summaries_end_with_where_their_numbers_are_explained():
    fit = kl.fit(kl.Exponential(), [1.0, 2.0, 4.0])
    assert str(fit.summary()).splitlines()[-1] == "what each number means: docs/concepts/numbers.md"
    assert "docs/concepts/numbers.md" in fit.summary().html()
