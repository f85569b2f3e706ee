"""Steps one to three: entropy, relative entropy and cross-entropy."""

from __future__ import annotations

import numpy as np

import kullback as kl
from kullback.tour.session import Session, Step


def entropy(do: Session) -> Step:
    """Compute the entropy of a certain outcome, and of every coin."""
    lines = do(f"""
kl.entropy([1.0, 0.0]{do.argument})  # one outcome is certain
kl.entropy([0.5, 0.5]{do.argument})  # a fair coin
p = np.linspace(0.0, 1.0, 101)
curve = kl.entropy(np.stack([p, 1.0 - p], axis=-1){do.argument})
p[np.argmax(curve)], curve.max()
""")
    return Step(
        1,
        "Entropy measures uncertainty",
        (
            "A random variable X has the value x with probability p(x). Its entropy is H(p) = "
            "Σ p(x) log 1/p(x): the uncertainty of X before it is observed. Where one outcome is "
            "certain it is exactly 0, as log 1 = 0 and 0 log 0 counts as 0.",
            "For a coin that shows heads with probability p the entropy is a curve: 0 at both "
            "ends, where the outcome is certain, and largest in the middle.",
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
    return Step(
        2,
        "Entropy is an expectation",
        (
            "Call log 1/p(x) the surprise of an outcome: rare outcomes surprise more. Entropy is "
            "the expected surprise, H(p) = E[log 1/p(X)].",
            "So the mean surprise of many draws estimates it. The standard error of the mean falls "
            "with the square root of the number of draws.",
        ),
        lines,
        "The mean of 100,000 surprises agrees with the entropy to within its standard error.",
        {
            "draws": draws,
            "mean": mean,
            "stderr": spread / do.nats / np.sqrt(draws),
            "entropy": entropy,
        },
    )


def relative_entropy(do: Session) -> Step:
    """Split a cross-entropy into an entropy and a relative entropy."""
    lines = do(f"""
p, q = [0.3, 0.7], [0.6, 0.4]
kl.entropy(p{do.argument}), kl.kl_divergence(p, q{do.argument})
kl.cross_entropy(p, q{do.argument})
kl.cross_entropy(p, q{do.argument}) - kl.entropy(p{do.argument})
kl.kl_divergence(q, p{do.argument})  # the other way round
kl.kl_divergence(p, [1.0, 0.0]{do.argument})  # q rules out an outcome of p
""")
    p, q = do["p"], do["q"]
    curve = np.linspace(0.0, 1.0, 101)
    return Step(
        3,
        "Relative entropy is the cost of a wrong model",
        (
            "Outcomes are drawn from p, and q is our approximation of it. The expected surprise is "
            "then the cross-entropy, H(p, q) = Σ p(x) log 1/q(x). Its excess over the entropy is "
            "the relative entropy or Kullback–Leibler divergence, D(p‖q) = Σ p(x) log p(x)/q(x). "
            "So H(p, q) = H(p) + D(p‖q).",
            "D measures how far q is from p: it is never negative, and 0 only where q is p. It is "
            "not a distance: D(p‖q) and D(q‖p) differ, and it is infinite where q rules out an "
            "outcome of p.",
        ),
        lines,
        "The entropy depends on p alone. A better q makes the relative entropy smaller, and so "
        "the cross-entropy.",
        {
            "p": p[0],
            "q": q[0],
            "entropy": float(kl.entropy(p)) / do.nats,
            "relative": float(kl.kl_divergence(p, q)) / do.nats,
            "cross": float(kl.cross_entropy(p, q)) / do.nats,
            "grid": curve,
            "curve": kl.entropy(np.stack([curve, 1.0 - curve], axis=-1)) / do.nats,
        },
    )
