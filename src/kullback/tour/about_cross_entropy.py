"""Step seven: the mean negative log-likelihood is a cross-entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import kullback as kl
from kullback.tour.about_likelihood import number
from kullback.tour.formulas import Formula
from kullback.tour.question import Question
from kullback.tour.session import Session, Step


def cross_entropy(do: Session) -> Step:
    """Compute the mean negative log-likelihood as a cross-entropy, and find its minimum."""
    ask = do.question
    return _of_counts(do, ask) if ask.counts else _of_densities(do, ask)


_IDENTITY = (
    "The mean log-likelihood gives each row the weight 1/m. Collect equal rows, and each value x "
    "has as its weight the share of the rows equal to it, p̂(x). This p̂ is the empirical "
    "distribution, and the mean over the rows is an expectation under it:",
    Formula("{1 / m} Σ_i log q(x_i; θ) = Σ_x p̂(x) log q(x; θ)"),
    "With the sign changed, its maximum is a minimum, and the sum is the cross-entropy between the "
    "empirical distribution and the model:",
    Formula(
        "θ_{ML} = arg min_θ −Σ_x p̂(x) log q(x; θ)\n"
        "     = arg min_θ H(p̂, q_θ)\n"
        "     = arg min_θ D(p̂‖q_θ)"
    ),
    "So maximum likelihood is the minimisation of the cross-entropy between the empirical "
    "distribution and the model. As H(p̂) does not depend on θ, it is also the minimisation of "
    "D(p̂‖qθ): it finds the model nearest to the data.",
)


def _of_counts(do: Session, ask: Question) -> Step:
    shares = "0, 1, 2, ..., and of all larger counts" if ask.levels is None else "the labels"
    lines = do(f"""
k = np.arange(int(y.max()) + 1)
# the shares of {shares}
p = np.append(np.bincount(y.astype(int)), 0) / len(y)
def q(theta):
    return np.append(model(theta).density(k), model(theta).survival(k[-1]))
-model({ask.guess!r}).log_density(y).mean(){do.divided}  # over the rows
kl.cross_entropy(p, q({ask.guess!r}){do.argument})  # over the values
""")
    near = _nearby(ask, lambda theta: float(kl.cross_entropy(do["p"], do["q"](theta))))
    lines += do(f"""
theta = {near}
theta[np.argmin([kl.cross_entropy(p, q(t)) for t in theta])]
fit = kl.fit({ask.free}, y)
fit.params
fit.cross_entropy{do.divided}
best = q({ask.of_fit})
kl.entropy(p{do.argument}), kl.kl_divergence(p, best{do.argument})
kl.entropy(p{do.argument}) + kl.kl_divergence(p, best{do.argument})
""")
    p, q = do["p"], do["q"]
    excess = float(kl.kl_divergence(p, do["best"])) / do.nats
    if ask.levels is not None and len(ask.levels) > 2:
        finding = (
            f"At the best θ the loss is the entropy of the labels, which no θ can change, plus a "
            f"relative entropy of {excess:.4f} {do.unit}, because the other labels share the rest "
            "equally. kl.Categorical gives each label a probability of its own: there the loss is "
            "the entropy alone."
        )
    elif excess < 1e-12:  # always for two outcomes: rounding is smaller than this
        finding = (
            "kl.fit finds the minimum. There the loss is the entropy of the data alone, as the "
            "model can be equal to the shares."
        )
    else:
        aim = "these shares" if ask.from_reader else "the distribution of the sample"
        finding = (
            "kl.fit finds the minimum. There the loss is the entropy of the data, which no θ can "
            f"change, plus a relative entropy of {excess:.4f} {do.unit}, because no θ of this "
            f"family gives {aim}."
        )
    return Step(
        7,
        "The mean negative log-likelihood is a cross-entropy",
        _IDENTITY,
        lines,
        finding,
        {
            "values": do["k"],
            "shares": p[:-1],
            "guess": q(ask.guess)[:-1],
            "best": do["best"][:-1],
            "estimate": ask.estimate,
            "entropy": float(kl.entropy(p)) / do.nats,
            "at_guess": float(kl.kl_divergence(p, q(ask.guess))) / do.nats,
            "at_best": excess,
        },
    )


def _of_densities(do: Session, ask: Question) -> Step:
    lines = do(f"""
values, counts = np.unique(y, return_counts=True)
p = counts / len(y)  # the share of each value
-model({ask.guess!r}).log_density(y).mean(){do.divided}  # over the rows
p @ -model({ask.guess!r}).log_density(values){do.divided}  # over the values
""")
    model = do["model"]
    near = _nearby(ask, lambda theta: -float(np.mean(model(theta).log_density(ask.y))))
    lines += do(f"""
theta = {near}
theta[np.argmin([-model(t).log_density(y).mean() for t in theta])]
fit = kl.fit({ask.free}, y)
fit.params
fit.cross_entropy{do.divided}
""")
    lines += do(f"""
parts = fit.decomposition(unit="{do.unit}")
[(line.name, line.value, line.stderr) for line in parts.lines if "," not in line.name]
""")
    named = {line.name: line for line in do["parts"].lines}
    entropy = named["entropy"]
    known = math.isfinite(entropy.value)
    loss = do["fit"].cross_entropy / do.nats
    finding = (
        "kl.fit finds the minimum. H(p̂, qθ) = H(p̂) + D(p̂‖qθ) holds here too, for the distribution "
        "that the numbers come from: they have a density. "
    )
    if known:
        excess = named["relative entropy"]
        near = ", within its error of zero" if excess.value < 1.96 * excess.stderr else ""
        finding += (
            f"Their entropy is an estimate, {entropy.value:.4f} ± {entropy.stderr:.4f} {do.unit}, "
            "and so is the excess of the loss over it, the relative entropy of the model, "
            f"{excess.value:.4f} ± {excess.stderr:.4f} {do.unit}{near}."
        )
    else:
        finding += f"The sum is {loss:.4f} {do.unit}; its two parts are unknown: {entropy.note}."
    return Step(
        7,
        "The mean negative log-likelihood is a cross-entropy",
        _IDENTITY,
        lines,
        finding,
        {
            "estimate": ask.estimate,
            "at_guess": -float(np.mean(do["model"](ask.guess).log_density(ask.y))) / do.nats,
            "at_best": loss,
            "entropy": entropy.value if known else None,
            "stderr": entropy.stderr if known else None,
            "why": None if known else entropy.note,
        },
    )


def _nearby(ask: Question, loss: Any) -> str:
    """Return Python code of a fine grid around the best θ of the coarse one."""
    coarse = ask.grid
    centre = float(coarse[int(np.argmin([loss(float(theta)) for theta in coarse]))])
    # fifty to a step of the coarse grid, two steps either way; fewer where a loss takes long
    parts = 50 if len(ask.y) <= 20_000 else 5
    decimals = ask.digits + 2
    low = max(centre - 2 * ask.step, float(coarse[0]))
    high = min(centre + 2 * ask.step, float(coarse[-1]))
    count = round((high - low) / ask.step * parts) + 1
    start, end = number(low, decimals), number(high, decimals)
    return f"np.round(np.linspace({start}, {end}, {count}), {decimals})"
