"""Steps three and four: relative entropy, and the cross-entropy as a sum of two entropies."""

from __future__ import annotations

import numpy as np

import kullback as kl
from kullback.tour.formulas import Formula
from kullback.tour.session import Session, Step


def relative_entropy(do: Session) -> Step:
    """Compute what a wrong coin costs, in either direction."""
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
            "Outcomes are drawn from p, which is true but unknown, and q is our approximation of "
            "it. Assuming q instead of p is inefficient: the surprise is then log 1/q(x), which is "
            "larger on average. The measure of this inefficiency is the relative entropy or "
            "Kullback–Leibler distance. It measures how far the two distributions are apart:",
            Formula("D(p‖q) = Σ_x p(x) log {p(x) / q(x)}"),
            "It is never negative, and 0 only where q is p. In spite of its second name it is not "
            "a distance: D(p‖q) and D(q‖p) differ, and it is infinite where q rules out an "
            "outcome of p. So it is also called the Kullback–Leibler divergence.",
        ),
        lines,
        "The entropy depends on p alone. A better q makes the relative entropy smaller, and 0 only "
        "where q is p.",
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


def two_sums(do: Session) -> Step:
    """Expand a relative entropy of four outcomes into two sums, and draw them as areas."""
    lines = do(f"""
p = np.array([0.5, 0.25, 0.125, 0.125])
q = np.array([0.25, 0.25, 0.25, 0.25])
p * np.log(p / q){do.divided}  # the terms of the relative entropy
first = np.sum(p * np.log(p)){do.divided}
second = np.sum(p * np.log(q)){do.divided}
first, second, first - second  # the two sums, and their difference
kl.entropy(p{do.argument}), kl.cross_entropy(p, q{do.argument})
kl.kl_divergence(p, q{do.argument})
np.log2(1 / p)  # lengths of code words in bits: the best code for p
np.log2(1 / q)  # and for q
""")
    p, q = do["p"], do["q"]
    entropy, cross = (float(value) / do.nats for value in (kl.entropy(p), kl.cross_entropy(p, q)))
    return Step(
        4,
        "Cross-entropy is entropy plus relative entropy",
        (
            "The logarithm of a quotient is a difference of two logarithms. So the relative "
            "entropy is a difference of two sums:",
            Formula(
                "D(p‖q) = Σ_x p(x) log {p(x) / q(x)}\n"
                "       = Σ_x p(x) (log p(x) − log q(x))\n"
                "       = Σ_x p(x) log p(x) − Σ_x p(x) log q(x)\n"
                "       = −H(p) + H(p, q)"
            ),
            "The first sum is minus the entropy of p. The second, with its minus sign, is the "
            "cross-entropy of p and q, the expected surprise under q:",
            Formula("H(p, q) = −Σ_x p(x) log q(x)\n        = H(p) + D(p‖q)"),
            "In bits, log 1/q(x) is the length of the code word for x in the best code for q. Draw "
            "each outcome as a rectangle: as wide as its probability p(x), and as high as its code "
            "is long. Its area is what the outcome costs on average, and the areas add up to the "
            "cross-entropy.",
        ),
        lines,
        f"With the best code for p these four outcomes cost {entropy:.4f} {do.unit} on average, "
        f"their entropy. With a code for four equally probable ones they cost {cross:.4f} "
        f"{do.unit}: the excess, {cross - entropy:.4f} {do.unit}, is the relative entropy.",
        {"p": p, "q": q, "entropy": entropy, "relative": cross - entropy, "cross": cross},
    )
