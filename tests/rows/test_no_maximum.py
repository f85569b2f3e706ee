"""Samples whose likelihood has no maximum: the fit says what runs to which limit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kullback as kl

X = np.random.default_rng(0).weibull(1.5, 60) * 3.0 + 0.1
ONE = np.ones(60)

# ends for which no outcome was observed itself and all rows allow some: concentrated there, any
# distribution that can be gives every row probability 1, the largest there is
ENDS: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "right": (X, np.inf * ONE),
    "left": (-np.inf * ONE, X),
    "half line": (0.5 * np.minimum(X, 2.0), 100.0 + X),
    "one interval": (ONE, 2.0 * ONE),
}
WHERE = {
    "right": "above 10.0",
    "left": "below 0.135",
    "half line": "from 1 to 100",
    "one interval": "from 1 to 2",
}


@pytest.mark.parametrize("case", ENDS)
@pytest.mark.parametrize("name", ["Weibull", "Normal", "LogLogistic"])
@pytest.mark.parametrize("factor", [1.0, 1e6, 1e-6])
def test_all_rows_allow_some_outcomes(name: str, case: str, factor: float) -> None:
    lower, upper = ENDS[case]
    fit = kl.fit(getattr(kl, name)(), kl.Sample(factor * lower, factor * upper))
    assert not fit.convergence
    assert fit.convergence.reason.startswith("no maximum: ")
    advice = fit.convergence.advice[0]
    if factor == 1.0:
        assert f"All rows allow the outcomes {WHERE[case]}" in advice
    if case in ("right", "left"):
        assert any(word in fit.convergence.reason for word in ("tends to 0", "to infinity"))
    assert np.isnan([*fit.stderr.values()]).all()


@pytest.mark.parametrize("window", [None, (0.05, None)])
def test_one_parameter(window: Any) -> None:
    # an exponential rate: everything beyond every end as it tends to 0, below as it diverges;
    # between the ends of one interval, (1, 2), e^-r − e^-2r is largest at r = log 2
    if window is None:
        right = kl.fit(kl.Exponential(), kl.Sample(lower=X))
        assert right.convergence.reason == "no maximum: rate tends to 0"
        left = kl.fit(kl.Exponential(), kl.Sample(upper=X))
        assert left.convergence.reason == "no maximum: rate diverges to infinity"
        fit = kl.fit(kl.Exponential(), kl.Sample(*ENDS["one interval"]))
        assert fit.convergence
        assert fit.params["rate"] == pytest.approx(np.log(2.0), rel=1e-10)
    else:
        right = kl.fit(kl.Exponential(), kl.Sample(lower=X, truncation=window))
        assert right.convergence.reason == "no maximum: rate tends to 0"


def test_counts() -> None:
    right = kl.fit(kl.Poisson(), kl.Sample(lower=np.arange(1.0, 9.0)))
    assert right.convergence.reason == "no maximum: rate diverges to infinity"


# counts that vary less than a Poisson's, given what was seen of them
EVEN = {
    "left-truncated": kl.Sample(
        [7.0, 6.0, 4.0, 5.0, 9.0, 8.0], [7.0, 6.0, 4.0, 5.0, 9.0, 8.0], truncation=(2.8, None)
    ),
    "right-censored": kl.Sample(
        [0.0] * 9 + [1.0] * 4 + [1.0] * 2, [0.0] * 9 + [1.0] * 4 + [np.inf] * 2
    ),
    "mixed": kl.Sample(
        [2.0, 7.0, 2.0, 2.0], [np.inf, 7.0, 4.0, 4.0], weights=np.array([1.0, 1.0, 4.0, 2.0])
    ),
}


@pytest.mark.parametrize("case", EVEN)
def test_counts_without_overdispersion(case: str) -> None:
    fit = kl.fit(kl.NegativeBinomial(), EVEN[case])
    assert fit.convergence.reason == "no maximum: size diverges to infinity"
    assert "kl.Poisson()" in fit.convergence.advice[0]
    # far out the cross-entropy approaches the Poisson's from above, as a/size: no rounding of the
    # sums hides it
    limit = kl.fit(kl.Poisson(), EVEN[case])
    above = [
        fit.problem.cross_entropy({"mean": limit.params["rate"], "size": size})
        - limit.cross_entropy
        for size in (1e6, 1e9)
    ]
    assert above[0] > 0.0
    assert above[1] == pytest.approx(1e-3 * above[0], abs=1e-14)


def test_a_single_exact_value_that_all_others_allow() -> None:
    lower = np.append(X, 20.0)
    upper = np.append(np.inf * ONE, 20.0)
    with pytest.raises(kl.DataError, match=r"the only value of y .* is 20.0, which all other rows"):
        kl.fit(kl.Weibull(), kl.Sample(lower, upper))
    # one parameter: the rate is one event in all the time (a textbook formula)
    fit = kl.fit(kl.Exponential(), kl.Sample(lower, upper))
    assert fit.params["rate"] == pytest.approx(1.0 / lower.sum(), rel=1e-10)
    # and an event before the others are censored is enough for two
    lower[-1] = upper[-1] = 0.5
    assert kl.fit(kl.Weibull(), kl.Sample(lower, upper)).convergence


def test_shares_of_one_class_are_not_ends() -> None:
    # H = 0 is reached there: the probability of a class without shares is 0, on its bound
    shares = {"a": [1.0, 1.0, 1.0], "b": [0.0, 0.0, 0.0]}
    fit = kl.fit(kl.Categorical(), shares, ("a", "b"))
    assert "allow the outcomes" not in " ".join(fit.convergence.advice)
    assert fit.cross_entropy == pytest.approx(0.0, abs=1e-12)
