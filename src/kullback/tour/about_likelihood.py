"""Steps four to six: from the likelihood to the cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

import kullback as kl
from kullback.tour.question import Question
from kullback.tour.session import Session, Step


def likelihood(do: Session) -> Step:
    """Multiply probabilities until the product underflows, and add their logarithms."""
    ask = do.question
    if ask.from_reader:
        do.namespace["y"] = ask.y
        first = "len(y)"
    else:
        first = """
unknown = kl.NegativeBinomial(mean=3.0, size=4.0)  # unknown from here on
y = unknown.sample(1_000, seed=4)
y[:10]""".strip()
    lines = do(f"""
{first}
def model(theta):
    return {ask.at("theta")}
# an initial guess, θ = {ask.guess!r}: the product of the first row, of two, three, ...
likelihood = np.cumprod(model({ask.guess!r}).density(y))
likelihood[[{_places(len(ask.y))}]]
np.count_nonzero(likelihood), len(y)
likelihood[-1]
model({ask.guess!r}).log_density(y).sum()
""")
    likelihood, log_likelihood = do["likelihood"], do["model"](ask.guess).log_density(ask.y)
    if likelihood[-1] == 0.0:
        last = int(np.count_nonzero(likelihood)) + 1
        finding = (
            f"With the {_ordinal(last)} row the product underflows: it is smaller than any "
            "number that a computer can hold, and exactly 0.0 from there on. The sum of the "
            "logarithms does not underflow."
        )
    elif not np.isfinite(likelihood[-1]):
        last = int(np.count_nonzero(np.isfinite(likelihood))) + 1
        finding = (
            f"Densities can be above 1: with the {_ordinal(last)} row the product overflows: it is "
            "larger than any number that a computer can hold. The sum of the logarithms does not "
            "overflow."
        )
    else:
        last = None
        loss = -float(np.mean(log_likelihood))
        # the smallest positive double is 2^−1074 and e^745.1 is one over it; the largest is e^709.8
        rows = (745.1 if loss > 0.0 else 709.8) / abs(loss) if loss else np.inf
        end = "0" if loss > 0.0 else "infinite"
        finding = "These rows are few enough for a computer to hold their product. " + (
            f"With about {rows:,.0f} rows like them it would be {end}; the sum of the logarithms "
            "would not."
            if np.isfinite(rows)
            else ""
        )
    source = (
        f"The numbers are the {_rows(len(ask.y))} of {ask.label}."
        if ask.from_reader
        else "A thousand counts are drawn from a distribution that we then treat as unknown."
    )
    return Step(
        4,
        "The likelihood, and why we take its logarithm",
        (
            f"{source} The model, {ask.family} with {ask.parameter} θ"
            f"{_fixed(ask)}, gives each row a "
            f"{'probability' if ask.counts else 'probability density'}. The rows are independent, "
            "so the probability of all of them is the product: the likelihood of θ.",
            "The maximum-likelihood estimate is the θ of the largest likelihood. But a product of "
            "many numbers below 1 soon underflows: a computer rounds it to 0.",
        ),
        lines,
        finding.strip(),
        {"log_likelihood": np.cumsum(log_likelihood), "likelihood": likelihood, "end": last},
    )


def logarithm(do: Session) -> Step:
    """Compute three curves over θ that have their maximum at the same θ."""
    ask = do.question
    few = ask.y[:: ask.stride]
    for shift in (0.0, 1 / 3):
        decimals = ask.digits + (2 if shift else 0)
        start = _number(ask.low + shift * ask.step, decimals)
        lines = do(f"""
few = y[::{ask.stride}]  # {_rows(len(few))}: their product does not underflow
theta = np.round({start} + {ask.step:g} * np.arange({ask.intervals + 1}), {decimals})
likelihood = np.array([model(t).density(few).prod() for t in theta])
log_likelihood = np.array([model(t).log_density(few).sum() for t in theta])
mean = log_likelihood / len(few)
[theta[curve.argmax()] for curve in (likelihood, log_likelihood, mean)]
""")
        tops = [int(do[name].argmax()) for name in ("likelihood", "log_likelihood", "mean")]
        # Midway between two θ of the grid rounding decides the maximum; not so on a shifted grid.
        if len(set(tops)) == 1:
            break
    after = (
        f"(It is the maximum for {_rows(len(few))}; step 6 takes all {len(ask.y):,}.)"
        if len(few) < len(ask.y)
        else ""
    )
    return Step(
        5,
        "The maximum stays at the same θ",
        (
            "The logarithm increases, so the likelihood and the log-likelihood have their maximum "
            "at the same θ. Dividing by the number of rows m does not move it either.",
            "arg max Π q(xᵢ; θ)  =  arg max Σ log q(xᵢ; θ)  =  arg max (1/m) Σ log q(xᵢ; θ)",
        ),
        lines,
        f"Three curves of very different heights have their maximum at one θ. {after}".strip(),
        {
            "theta": do["theta"],
            "likelihood": do["likelihood"],
            "log_likelihood": do["log_likelihood"],
            "mean": do["mean"],
            "tops": tops,
        },
    )


def cross_entropy(do: Session) -> Step:
    """Compute the mean negative log-likelihood as a cross-entropy, and find its minimum."""
    ask = do.question
    return _of_counts(do, ask) if ask.counts else _of_densities(do, ask)


_IDENTITY = (
    "The mean negative log-likelihood gives each row the weight 1/m. Collect equal rows, and each "
    "value x has as its weight the share of the rows equal to it, p̂(x): the empirical "
    "distribution. The mean is the cross-entropy between p̂ and the model, H(p̂, qθ) = "
    "Σ p̂(x) log 1/qθ(x).",
    "So maximum likelihood is the minimisation of a cross-entropy. As H(p̂) does not depend on θ, "
    "it is also the minimisation of D(p̂‖qθ): it finds the model nearest to the data.",
)


def _of_counts(do: Session, ask: Question) -> Step:
    lines = do(f"""
k = np.arange(int(y.max()) + 1)
# the shares of 0, 1, 2, ..., and of all larger counts
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
best = q(fit.params["{ask.parameter}"])
kl.entropy(p{do.argument}), kl.kl_divergence(p, best{do.argument})
kl.entropy(p{do.argument}) + kl.kl_divergence(p, best{do.argument})
""")
    p, q = do["p"], do["q"]
    excess = float(kl.kl_divergence(p, do["best"])) / do.nats
    if excess < 1e-12:  # always for a Bernoulli: rounding is smaller than this
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
        6,
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
    picture: dict[str, Any] = {
        "estimate": ask.estimate,
        "at_guess": -float(np.mean(model(ask.guess).log_density(ask.y))) / do.nats,
        "at_best": do["fit"].cross_entropy / do.nats,
        "entropy": None,
        "stderr": None,
    }
    try:
        lines += do(f"""
h = kl.estimate_entropy(y, method="nearest neighbours"{do.argument})
h.value, h.stderr, h.method
fit.cross_entropy{do.divided} - h.value
""")
        entropy, error = float(do["h"]), float(do["h"].stderr)
        reason = "" if np.isfinite(entropy) else "too many of the numbers are equal."
    except kl.KullbackError as refusal:
        reason = str(refusal)
    if reason:
        finding = (
            "kl.fit finds the minimum. Its loss cannot be split into entropy and relative entropy: "
            f"{reason}"
        )
    else:
        picture |= {"entropy": entropy, "stderr": error}
        excess = picture["at_best"] - entropy
        doubt = ", within its error of zero" if abs(excess) < 2.0 * error else ""
        if excess < 0.0 and not doubt:
            doubt = ", which cannot be below 0: here the entropy is estimated too high"
        finding = (
            "kl.fit finds the minimum. The numbers have a density, so their entropy can only be "
            f"estimated: {entropy:.4f} ± {error:.4f} {do.unit}. The excess of the loss over it, "
            f"{excess:.4f} {do.unit}, is the relative entropy of the model{doubt}."
        )
    return Step(
        6,
        "The mean negative log-likelihood is a cross-entropy",
        _IDENTITY,
        lines,
        finding,
        picture,
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
    start, end = _number(low, decimals), _number(high, decimals)
    return f"np.round(np.linspace({start}, {end}, {count}), {decimals})"


def _number(value: float, decimals: int) -> str:
    return repr(round(value, decimals) + 0.0)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _places(rows: int) -> str:
    """Return the indices of the first, tenth, hundredth, ... row, as Python code."""
    return ", ".join(str(10**power - 1) for power in range(4) if 10**power <= rows)


def _fixed(ask: Question) -> str:
    return f" and {ask.fixed[0]} fixed at {ask.fixed[1]:g}" if ask.fixed else ""


def _ordinal(number: int) -> str:
    ending = (
        "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number:,}{ending}"
