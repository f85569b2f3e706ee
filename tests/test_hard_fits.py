"""Fits beyond the reference cases: ridges, ends and limits, against mpmath and theorems."""

from __future__ import annotations

import mpmath as mp
import pytest
import scipy.stats

import kullback as kl


@pytest.mark.parametrize("centre", [30.0, 1e3, 1e6])
def test_a_lomax_without_a_maximum_is_said_to_run_off(centre):
    # J. del Castillo and J. Daoudi (2009), "Estimation of the generalized Pareto distribution":
    # where the coefficient of variation is below 1 the likelihood rises up to the exponential
    # limit. Shape and scale grow along a ridge, on which each is at its best beside the other.
    x = centre + scipy.stats.norm.rvs(size=60, random_state=6)
    fit = kl.fit(kl.Lomax(), x)
    assert not fit.certificate.converged
    assert fit.certificate.reason == "no maximum: shape runs to infinity"
    assert "kl.Exponential()" in " ".join(fit.certificate.advice)


def test_a_beta_on_a_narrow_ridge_against_mpmath():
    # Shapes of millions: alpha and beta are told apart only to 1e-7 of their common size.
    x = scipy.stats.beta(3e6, 1e6).rvs(size=50, random_state=3)
    fit = kl.fit(kl.Beta(), x)
    assert fit.certificate.converged
    with mp.workdps(40):
        rows = [mp.mpf(v) for v in x.tolist()]
        log_x = mp.fsum(map(mp.log, rows)) / len(rows)
        log_rest = mp.fsum(mp.log1p(-v) for v in rows) / len(rows)

        def scores(a, b):
            total = mp.digamma(a + b)
            return mp.digamma(a) - total - log_x, mp.digamma(b) - total - log_rest

        alpha, beta = mp.findroot(scores, tuple(map(mp.mpf, fit.params.values())))
    assert fit.params["alpha"] == pytest.approx(float(alpha), rel=1e-9)
    assert fit.params["beta"] == pytest.approx(float(beta), rel=1e-9)
