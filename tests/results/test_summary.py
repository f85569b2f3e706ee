"""Summaries of extreme fits: what cannot be computed is not shown as a number."""

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
