"""Steps four to six: from the likelihood to the cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

import kullback as kl
from kullback.tour.question import Question
from kullback.tour.session import Session, Step


def likelihood(do: Session) -> Step:
    """Multiply probabilities until nothing is left, and add their logarithms."""
    ask = do.question
    if ask.given:
        do.namespace["y"] = ask.y
        first = "len(y)"
    else:
        first = """
unknown = kl.NegativeBinomial(mean=3.0, size=4.0)  # now forget it
y = unknown.sample(1_000, seed=4)
y[:10]""".strip()
    lines = do(f"""
{first}
def model(theta):
    return {ask.at("theta")}
# a guess, θ = {ask.guess!r}: the product for the first row, for two, three, ...
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
            f"With the {_ordinal(last)} row the product has become smaller than any number that a "
            "computer can hold: it is exactly 0.0 from there on. The sum of the "
            "logarithms has no such end."
        )
    elif not np.isfinite(likelihood[-1]):
        last = int(np.count_nonzero(np.isfinite(likelihood))) + 1
        finding = (
            f"Densities can be above 1: with the {_ordinal(last)} row the product has become "
            "larger than any number that a computer can hold. The sum of the logarithms has no "
            "such end."
        )
    else:
        last = None
        loss = -float(np.mean(log_likelihood))
        # the smallest positive double is 2^−1074 and e^745.1 is one over it; the largest is e^709.8
        rows = (745.1 if loss > 0.0 else 709.8) / abs(loss) if loss else np.inf
        end = "0" if loss > 0.0 else "infinite"
        finding = "These rows are few enough for their product to be a number. " + (
            f"About {rows:,.0f} rows like them would make it {end}; the sum of the logarithms has "
            "no such end."
            if np.isfinite(rows)
            else ""
        )
    source = (
        f"The numbers are the {_rows(len(ask.y))} of {ask.label}."
        if ask.given
        else "A thousand counts come from a distribution that we pretend not to know."
    )
    return Step(
        4,
        "Likelihood, and why its logarithm",
        (
            f"{source} The model, {ask.family} with its {ask.parameter} θ"
            f"{_pinned(ask)}, gives each row a "
            f"{'probability' if ask.counts else 'probability density'}, and the rows "
            "together the product of them all: the likelihood of θ.",
            "The best θ is the one with the greatest likelihood. But a product of many small "
            "numbers is soon smaller than a computer can tell from nothing.",
        ),
        lines,
        finding.strip(),
        {"log_likelihood": np.cumsum(log_likelihood), "likelihood": likelihood, "end": last},
    )


def logarithm(do: Session) -> Step:
    """Draw three curves over θ that have their maximum in one place."""
    ask = do.question
    few = ask.y[:: ask.stride]
    for shift in (0.0, 1 / 3):
        decimals = ask.digits + (2 if shift else 0)
        start = _number(ask.low + shift * ask.step, decimals)
        lines = do(f"""
few = y[::{ask.stride}]  # {_rows(len(few))}: their product is a number
theta = np.round({start} + {ask.step:g} * np.arange({ask.intervals + 1}), {decimals})
likelihood = np.array([model(t).density(few).prod() for t in theta])
log_likelihood = np.array([model(t).log_density(few).sum() for t in theta])
mean = log_likelihood / len(few)
[theta[curve.argmax()] for curve in (likelihood, log_likelihood, mean)]
""")
        tops = [int(do[name].argmax()) for name in ("likelihood", "log_likelihood", "mean")]
        # The top can lie midway between two θ, where rounding decides; not so on a shifted grid.
        if len(set(tops)) == 1:
            break
    after = (
        f"(It is that of {_rows(len(few))}; that of all {len(ask.y):,} comes next.)"
        if len(few) < len(ask.y)
        else ""
    )
    return Step(
        5,
        "The top stays where it is",
        (
            "The logarithm rises wherever its argument does, so it moves no maximum: the θ with "
            "the greatest likelihood has the greatest log-likelihood. Dividing by the number of "
            "rows m moves it no more than that.",
            "arg max Π q(xᵢ; θ)  =  arg max Σ log q(xᵢ; θ)  =  arg max (1/m) Σ log q(xᵢ; θ)",
        ),
        lines,
        f"Three curves of very different heights over the same θ, and one maximum. {after}".strip(),
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
    "value gets the share of the rows that have it, p̂(x): the mean is the cross-entropy "
    "between p̂ and the model, H(p̂, qθ) = Σ p̂(x) log 1/qθ(x).",
    "To maximise the likelihood is therefore to minimise a cross-entropy; and as H(p̂) does not "
    "depend on θ, to minimise D(p̂‖qθ): to find the model that is nearest to the data.",
)


def _of_counts(do: Session, ask: Question) -> Step:
    lines = do(f"""
k = np.arange(int(y.max()) + 1)
# the shares of 0, 1, 2, ..., and of all that is above
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
    left = float(kl.kl_divergence(p, do["best"])) / do.nats
    if left < 1e-12:  # as a Bernoulli's always is: rounding leaves no more than this
        finding = (
            "kl.fit finds the minimum. What is left there is the entropy of the data and nothing "
            "else: the model can be equal to the shares."
        )
    else:
        aim = "these shares" if ask.given else "the distribution that was drawn from"
        finding = (
            "kl.fit finds the minimum. What is left there is the entropy of the data, which no θ "
            f"can change, and a relative entropy of {left:.4f} {do.unit}, because no θ of this "
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
            "at_best": left,
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
            "kl.fit finds the minimum. How much of what is left is entropy cannot be said: "
            f"{reason}"
        )
    else:
        picture |= {"entropy": entropy, "stderr": error}
        left = picture["at_best"] - entropy
        doubt = ", within its error of zero" if abs(left) < 2.0 * error else ""
        if left < 0.0 and not doubt:
            doubt = ", which has none below 0: here the entropy is estimated too high"
        finding = (
            "kl.fit finds the minimum. The numbers have a density, and so their entropy can only "
            f"be estimated: {entropy:.4f} ± {error:.4f} {do.unit}. What is left above it, "
            f"{left:.4f} {do.unit}, is the relative entropy of the model{doubt}."
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
    """Write a fine grid around the best θ of the coarse one, as Python."""
    coarse = ask.grid
    centre = float(coarse[int(np.argmin([loss(float(theta)) for theta in coarse]))])
    # fifty to a step of the coarse grid, two steps either way; fewer where a loss takes a while
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
    """Name the places of the first, the tenth, the hundredth row ... as far as there are rows."""
    return ", ".join(str(10**power - 1) for power in range(4) if 10**power <= rows)


def _pinned(ask: Question) -> str:
    return f" and its {ask.fixed[0]} held at {ask.fixed[1]:g}" if ask.fixed else ""


def _ordinal(number: int) -> str:
    ending = (
        "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number:,}{ending}"
