"""Steps one and two: entropy, and entropy as an expectation."""

from __future__ import annotations

import numpy as np

import kullback as kl
from kullback.tour.formulas import Formula
from kullback.tour.session import Session, Step


def entropy(do: Session) -> Step:
    """Compute the entropy of a certain outcome, and of every coin, by the formula alone."""
    lines = do(f"""
x = 10.0 ** -np.arange(0, 16, 3)
x * np.log(x)  # tends to 0 with x
0.0 * np.log(0.0)  # a computer does not take the limit
def H(p):  # where p is 0, the term is 0
    p = np.asarray(p)
    return np.where(p > 0.0, -p * np.log(p), 0.0).sum(axis=-1){do.divided}
H([1.0, 0.0, 0.0])  # one outcome is certain
H([0.5, 0.5])  # a fair coin
p = np.linspace(0.0, 1.0, 101)
curve = H(np.stack([p, 1.0 - p], axis=-1))
p[np.argmax(curve)], curve.max()
""")
    return Step(
        1,
        "Entropy measures uncertainty",
        (
            "A random variable X takes the value x with probability p(x) = Pr[X = x]: p is its "
            "probability mass function. The entropy of X measures how uncertain X is before it is "
            "observed:",
            Formula("H(X) = −Σ_x p(x) log p(x)\n     = Σ_x p(x) log {1 / p(x)}"),
            "The two sums are equal, because log 1/p(x) = −log p(x).",
            "If one outcome is certain, H = 0, term by term: its own term is 1 · log 1, and log 1 "
            "= 0; each other term is 0 · log 0, which counts as 0.",
            Formula("H(X) = −(1 · log 1 + 0 · log 0 + 0 · log 0) = 0"),
            "The convention 0 log 0 = 0 is a limit: x log x → 0 as x → 0, because x falls faster "
            "than its logarithm grows.",
            "A Bernoulli variable is a coin that shows heads with probability p. Its entropy is a "
            "curve: 0 at both ends, where the outcome is certain, and largest in the middle.",
            Formula("H(p) = −p log p − (1 − p) log (1 − p)"),
        ),
        lines,
        "The fair coin is the most uncertain one: the maximum is at ½, and it is log 2, one bit.",
        {"p": do["p"], "entropy": do["curve"]},
    )


def expectation(do: Session) -> Step:
    """Estimate an entropy by a mean of surprises."""
    lines = do(f"""
coin = kl.Bernoulli(probability=0.3)
draws = coin.sample(100_000, seed=1)
surprise = -coin.log_density(draws){do.divided}  # log 1/p(X) of each draw
surprise.mean(), surprise.std() / np.sqrt(len(draws))  # ± its std. error
kl.entropy([0.3, 0.7]{do.argument})
""")
    surprise = do["surprise"]
    # a hundred numbers of draws, evenly spaced in their logarithm
    draws = np.unique(np.geomspace(10, len(surprise), 100).astype(int))
    mean = (np.cumsum(surprise) / np.arange(1, len(surprise) + 1))[draws - 1]
    entropy = float(kl.entropy([0.3, 0.7])) / do.nats
    spread = float(
        np.sqrt(0.3 * np.log(0.3) ** 2 + 0.7 * np.log(0.7) ** 2 - (entropy * do.nats) ** 2)
    )
    away = abs(float(mean[-1]) - entropy) / (spread / do.nats / float(np.sqrt(draws[-1])))
    return Step(
        2,
        "Entropy is an expectation",
        (
            "Call log 1/p(x) the surprise of an outcome: rare outcomes surprise more. Entropy is "
            "the expected surprise, where X is drawn from p. As it depends on p alone, H(X) is "
            "also written H(p).",
            Formula("H(p) = E[log {1 / p(X)}],   X ∼ p"),
            "So the mean surprise of many draws estimates it. The standard error of the mean falls "
            "with the square root of the number of draws.",
        ),
        lines,
        f"The mean of 100,000 surprises is {away:.1f} standard errors away from the entropy.",
        {
            "draws": draws,
            "mean": mean,
            "stderr": spread / do.nats / np.sqrt(draws),
            "entropy": entropy,
        },
    )
