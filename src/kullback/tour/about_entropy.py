"""Steps one to three: entropy, and relative entropy."""

from __future__ import annotations

import numpy as np

import kullback as kl
from kullback.tour.session import Session, Step


def entropy(do: Session) -> Step:
    """Give the entropy of a certain outcome, and of every coin."""
    lines = do(f"""
kl.entropy([1.0, 0.0]{do.argument})  # one outcome is certain
kl.entropy([0.5, 0.5]{do.argument})  # a fair coin
p = np.linspace(0.0, 1.0, 101)
curve = kl.entropy(np.stack([p, 1.0 - p], axis=-1){do.argument})
p[np.argmax(curve)], curve.max()
""")
    return Step(
        1,
        "Entropy is uncertainty",
        (
            "The entropy of a distribution is H(p) = Σ p(x) log 1/p(x): how uncertain an outcome "
            "is before it is seen. Where one outcome is certain it is exactly 0.",
            "Of a coin that shows heads with probability p it is a curve, 0 at both ends, where "
            "the coin is certain, and highest in the middle.",
        ),
        lines,
        "The most uncertain coin is the fair one: the top is at ½, and its height is log 2, "
        "one bit.",
        {"p": do["p"], "entropy": do["curve"]},
    )


def expectation(do: Session) -> Step:
    """Find an entropy as a mean of surprises."""
    lines = do(f"""
coin = kl.Bernoulli(probability=0.3)
draws = coin.sample(100_000, seed=1)
surprise = -coin.log_density(draws){do.divided}  # log 1/p(X), one for each draw
surprise.mean(), surprise.std() / np.sqrt(len(draws))  # ± its error
kl.entropy([0.3, 0.7]{do.argument})
""")
    surprise = do["surprise"]
    # a hundred places, evenly spread over the logarithm of how many were drawn
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
            "Call log 1/p(x) the surprise of an outcome: the rarer, the greater. Entropy is the "
            "surprise to be expected, H(p) = E[log 1/p(X)].",
            "So it can be found without a formula: draw, and take the mean of the surprises. Its "
            "standard error falls like one over the root of the number of draws.",
        ),
        lines,
        "The mean of 100,000 surprises is the entropy, to within its standard error.",
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
kl.kl_divergence(p, [1.0, 0.0]{do.argument})  # q calls impossible what p lets happen
""")
    p, q = do["p"], do["q"]
    curve = np.linspace(0.0, 1.0, 101)
    return Step(
        3,
        "Relative entropy is the price of a wrong model",
        (
            "Outcomes come from p, and you expect q. The surprise to be expected is then the "
            "cross-entropy, H(p, q) = Σ p(x) log 1/q(x), and what it is above the entropy is the "
            "relative entropy, D(p‖q) = Σ p(x) log p(x)/q(x). Hence H(p, q) = H(p) + D(p‖q).",
            "D is never negative, and 0 only where q is p. It is no distance: the way from p to q "
            "need not be as long as the way back, and it is infinite where q rules out what p "
            "allows.",
        ),
        lines,
        "Of the two parts, the first belongs to the world. Only the second can be made smaller by "
        "a better q.",
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
