"""Censored and truncated rows of families with one exponential, whose passes are three sums.

The expected loss, scores and Hessian are the formulas of the Weibull log-likelihood, and those of
the Gumbel distribution as the Weibull's in logarithms; the log-likelihood is SciPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.objective.exponential_term import ExponentialTerm

Columns = dict[str, np.ndarray]


def rows(count: int) -> Columns:
    random = np.random.default_rng(3)
    entry = np.where(random.random(count) < 0.4, 0.0, random.uniform(0.0, 1.0, count))
    time = 3.0 * ((entry / 3.0) ** 1.5 + random.exponential(size=count)) ** (1.0 / 1.5)
    end = entry + random.uniform(0.0, 9.0, count)
    weight = random.integers(0, 4, count).astype(float)
    return {"time": np.minimum(time, end), "died": time <= end, "entry": entry, "weight": weight}


def log_likelihood_derivatives(c: Columns, shape: float, scale: float) -> list[Any]:
    """The Weibull's log-likelihood, score and Hessian, by the formula."""
    w, d = c["weight"], c["died"]
    t = np.log(c["time"] / scale)
    found = c["entry"] > 0.0
    e = np.log(c["entry"][found] / scale)

    def ends(power: int) -> float:
        of_time = np.sum(w * np.exp(shape * t) * t**power)
        return float(of_time - np.sum(w[found] * np.exp(shape * e) * e**power))

    events, logs = float(np.sum(w * d)), float(np.sum(w * d * t))
    z, zt, ztt = map(ends, range(3))
    value = events * np.log(shape / scale) + (shape - 1.0) * logs - z
    score = [events / shape + logs - zt, shape / scale * (z - events)]
    mixed = (z - events + shape * zt) / scale
    of_scale = shape / scale**2 * (events - (1.0 + shape) * z)
    return [value, score, [[-events / shape**2 - ztt, mixed], [mixed, of_scale]]]


def fitted(c: Columns, **options: Any) -> kl.Fit:
    return kl.fit(
        kl.Weibull(),
        c,
        "time",
        event="died",
        truncation=("entry", None),
        weights="weight",
        **options,
    )


@pytest.mark.parametrize("count", [3_000, 150_000])
def test_weibull_against_the_formula(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    usual = ExponentialTerm.sums

    def counted(self: ExponentialTerm, *arguments: Any) -> Any:
        used.append(True)
        return usual(self, *arguments)

    monkeypatch.setattr(ExponentialTerm, "sums", counted)
    c = rows(count)
    fit = fitted(c)
    assert used
    shape, scale = fit.params["shape"], fit.params["scale"]
    value, score, hessian = log_likelihood_derivatives(c, shape, scale)
    # 1e-11 of the largest term: the sums have as many terms as there are rows
    assert fit.log_likelihood == pytest.approx(value, rel=1e-11)
    errors = np.sqrt(np.diag(np.linalg.inv(-np.array(hessian))))
    # the score vanishes: the estimate is within 1e-9 of its error
    step = np.linalg.solve(hessian, score)
    assert np.all(np.abs(step) < 1e-9 * errors)
    # of the point before the last correction, at which the scaled gradient is below 1e-6
    assert list(fit.stderr.values()) == pytest.approx(errors.tolist(), rel=1e-7)
    law = scipy.stats.weibull_min(shape, scale=scale)
    terms = np.where(c["died"], law.logpdf(c["time"]), law.logsf(c["time"])) - law.logsf(c["entry"])
    assert fit.log_likelihood == pytest.approx(float(c["weight"] @ terms), rel=1e-11)
    streamed = fitted(c, engine=lambda sample: kl.StreamingEngine(sample, threads=2))
    assert (streamed.params, streamed.stderr) == (fit.params, fit.stderr)


def test_sandwich_of_censored_rows() -> None:
    c = rows(3_000)
    fit = fitted(c)
    shape, scale = fit.params["shape"], fit.params["scale"]
    _, _, hessian = log_likelihood_derivatives(c, shape, scale)
    t, e = np.log(c["time"] / scale), np.log(np.maximum(c["entry"], 1e-300) / scale)
    z, ze = np.exp(shape * t), np.exp(shape * e)
    d = c["died"]
    scores = np.stack(
        [d * (1.0 / shape + t) - z * t + ze * e, shape / scale * (z - ze - d)], axis=1
    )
    middle = scores.T @ (c["weight"][:, None] * scores)
    inverse = np.linalg.inv(np.array(hessian))
    expected = inverse @ middle @ inverse
    # second moments come from a pass over the rows, before the last correction
    np.testing.assert_allclose(fit.covariance("sandwich"), expected, rtol=1e-6)


def test_gumbel_rows_that_are_left_censored() -> None:
    # −log of a Weibull variable is a Gumbel one, with loc = −log(scale) and scale 1/shape
    c = rows(70_000)
    c = {name: values[c["entry"] == 0.0] for name, values in c.items()}
    codes = np.where(c["died"], 1, -1)
    fit = kl.fit(kl.Gumbel(), {"y": -np.log(c["time"]), "code": codes}, "y", event="code")
    other = kl.fit(kl.Weibull(), c, "time", event="died")
    assert fit.params["loc"] == pytest.approx(-np.log(other.params["scale"]), rel=1e-10)
    assert fit.params["scale"] == pytest.approx(1.0 / other.params["shape"], rel=1e-10)
    change = float(np.sum(np.log(c["time"][c["died"]])))
    assert fit.log_likelihood == pytest.approx(other.log_likelihood + change, rel=1e-11)


def test_an_event_at_the_end_of_the_support_is_refused() -> None:
    with pytest.raises(kl.DataError, match="0"):
        kl.fit(kl.Weibull(), [0.0, 1.0, 2.0], event=[1, 1, 0])


def test_all_rows_censored_have_no_maximum() -> None:
    fit = kl.fit(kl.Weibull(), [1.0, 2.0, 5.0], event=[0, 0, 0])
    assert not fit.convergence.converged
