"""Steps five and six: the likelihood, and its logarithm."""

from __future__ import annotations

import numpy as np

from kullback.tour.formulas import Formula
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
    return Step(
        5,
        "The likelihood, and why we take its logarithm",
        (
            _source(ask),
            f"The model p_model(x; θ), for short q(x; θ), is a parametric family that is to be "
            f"close to p_data: here {_family(ask)}. It gives each row a "
            f"{'probability' if ask.counts else 'probability density'}. The maximum-likelihood "
            "estimate is the θ that makes the rows most probable:",
            Formula("θ_{ML} = arg max_θ p_{model}(x_1, …, x_m; θ)"),
            "This function of θ is the likelihood. Independence, and nothing else, makes it a "
            "product over the rows:",
            Formula("θ_{ML} = arg max_θ Π_i q(x_i; θ)"),
            "Probabilities lie between 0 and 1, 0 ≤ q(x; θ) ≤ 1, so each factor makes the product "
            "smaller, and for large m it tends to 0. A computer’s numbers end near 5e-324: "
            "below, the product underflows, that is, it is rounded to 0. "
            + (
                ""
                if ask.counts
                else "(Densities may be above 1; a product of such factors may overflow instead.) "
            )
            + "A sum of logarithms does not underflow, and a sum is easier than a product: its "
            "derivative is the sum of the derivatives.",
        ),
        lines,
        finding.strip(),
        {"log_likelihood": np.cumsum(log_likelihood), "likelihood": likelihood, "end": last},
    )


def _source(ask: Question) -> str:
    if not ask.from_reader:
        return (
            "A thousand examples x₁, …, xₘ are drawn independently from a distribution p_data, "
            "which we treat as unknown from then on. They are counts."
        )
    what = "numbers" if ask.levels is None else "labels"
    return (
        f"The examples x₁, …, xₘ are the {what} in the {rows(len(ask.y))} of {ask.label}. We "
        "assume that they were drawn independently from an unknown distribution p_data."
    )


def _family(ask: Question) -> str:
    if ask.levels is not None:
        others = len(ask.levels) - 1
        rest = f"“{ask.levels[1]}” has" if others == 1 else f"the {others} other labels share"
        return f"“{ask.levels[0]}” has the probability θ, and {rest} the rest equally".replace(
            "has the rest equally", "has the rest"
        )
    fixed = f" and {ask.fixed[0]} fixed at {ask.fixed[1]:g}" if ask.fixed else ""
    return f"{ask.family} with {ask.parameter} θ{fixed}"


def logarithm(do: Session) -> Step:
    """Compute three curves over θ that have their maximum at the same θ."""
    ask = do.question
    few = ask.y[:: ask.stride]
    for shift in (0.0, 1 / 3):
        decimals = ask.digits + (2 if shift else 0)
        start = number(ask.low + shift * ask.step, decimals)
        lines = do(f"""
few = y[::{ask.stride}]  # {rows(len(few))}: their product does not underflow
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
        f"(It is the maximum for {rows(len(few))}; step 7 takes all {len(ask.y):,}.)"
        if len(few) < len(ask.y)
        else ""
    )
    return Step(
        6,
        "The maximum stays at the same θ",
        (
            "The logarithm increases: the larger of two numbers has the larger logarithm. So the "
            "likelihood and the log-likelihood have their maximum at the same θ, and the logarithm "
            "of the product is a sum. Dividing by the number of rows m does not move the maximum "
            "either.",
            Formula(
                "θ_{ML} = arg max_θ Π_i q(x_i; θ)\n"
                "     = arg max_θ Σ_i log q(x_i; θ)\n"
                "     = arg max_θ {1 / m} Σ_i log q(x_i; θ)"
            ),
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


def number(value: float, decimals: int) -> str:
    """Write a number of a grid as Python code."""
    return repr(round(value, decimals) + 0.0)


def rows(count: int) -> str:
    """Write a number of rows."""
    return "1 row" if count == 1 else f"{count:,} rows"


def _places(rows: int) -> str:
    """Return the indices of the first, tenth, hundredth, ... row, as Python code."""
    return ", ".join(str(10**power - 1) for power in range(4) if 10**power <= rows)


def _ordinal(number: int) -> str:
    ending = (
        "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number:,}{ending}"
