"""Mean and variance of every family as formulas, which tests/test_site.py evaluates.

The variance may use the mean, and both a letter that the third entry defines.
"""

from __future__ import annotations

import formulas

# By family: mean and variance, empty where they have no closed form; what the letters are; and
# where they are finite.
MOMENTS: dict[str, tuple[str, str, str, str]] = {
    "Bernoulli": ("probability", "probability (1 − probability)", "", ""),
    "Beta": ("alpha/(alpha + beta)", "mean (1 − mean)/(alpha + beta + 1)", "", ""),
    "BetaBinomial": (
        "trials probability",
        "trials probability (1 − probability) (1 + (trials − 1)/(precision + 1))",
        "",
        "",
    ),
    "Binomial": ("trials probability", "trials probability (1 − probability)", "", ""),
    "BirnbaumSaunders": (
        "scale (1 + shape²/2)",
        "scale² shape² (1 + 5 shape²/4)",
        "",
        "",
    ),
    "Burr": (
        "scale shape1 B(shape1 − 1/shape2, 1 + 1/shape2)",
        "scale² shape1 B(shape1 − 2/shape2, 1 + 2/shape2) − mean²",
        "",
        "finite for shape1·shape2 > 1, and > 2",
    ),
    "Cauchy": ("", "", "", "neither exists"),
    "Exponential": ("1/rate", "1/rate²", "", ""),
    "Frechet": (
        "scale Γ(1 − 1/shape)",
        "scale² Γ(1 − 2/shape) − mean²",
        "",
        "finite for shape > 1, and > 2",
    ),
    "Gamma": ("shape/rate", "shape/rate²", "", ""),
    "GeneralizedExtremeValue": (
        "loc + scale (Γ(1 − shape) − 1)/shape",
        "scale² (Γ(1 − 2 shape) − Γ(1 − shape)²)/shape²",
        "",
        "finite for shape < 1, and < 1/2; at shape 0 those of the Gumbel distribution",
    ),
    "GeneralizedGamma": (
        "e^loc Γ(k + scale/shape)/(k^(scale/shape) Γ(k))",
        "e^(2 loc) Γ(k + 2 scale/shape)/(k^(2 scale/shape) Γ(k)) − mean²",
        "k = 1/shape²",
        "finite for shape·scale > −1, and > −1/2; at shape 0 those of the log-normal distribution",
    ),
    "GeneralizedPareto": (
        "loc + scale/(1 − shape)",
        "scale²/((1 − shape)² (1 − 2 shape))",
        "",
        "finite for shape < 1, and < 1/2",
    ),
    "GeneralizedPoisson": ("mean", "mean (1 + dispersion)²", "", ""),
    "Geometric": ("(1 − probability)/probability", "(1 − probability)/probability²", "", ""),
    "Gompertz": ("", "", "", "no closed form"),
    "Gumbel": ("loc + γ scale", "π² scale²/6", "", "γ = 0.5772… is Euler's constant"),
    "HalfNormal": ("scale √(2/π)", "scale² (1 − 2/π)", "", ""),
    "InverseGamma": (
        "scale/(shape − 1)",
        "scale²/((shape − 1)² (shape − 2))",
        "",
        "finite for shape > 1, and > 2",
    ),
    "InverseGaussian": ("mean", "mean³/shape", "", ""),
    "Laplace": ("loc", "2 scale²", "", ""),
    "LogLogistic": (
        "scale b/sin b",
        "scale² (2 b/sin(2 b) − (b/sin b)²)",
        "b = π/shape",
        "finite for shape > 1, and > 2",
    ),
    "LogNormal": ("e^(loc + scale²/2)", "mean² (e^(scale²) − 1)", "", ""),
    "LogSeries": (
        "−probability/((1 − probability) log(1 − probability))",
        "mean (1/(1 − probability) − mean)",
        "",
        "",
    ),
    "Logistic": ("loc", "π² scale²/3", "", ""),
    "Lomax": (
        "scale/(shape − 1)",
        "shape scale²/((shape − 1)² (shape − 2))",
        "",
        "finite for shape > 1, and > 2",
    ),
    "NegativeBinomial": ("mean", "mean + mean²/size", "", ""),
    "Normal": ("loc", "scale²", "", ""),
    "Pareto": (
        "shape minimum/(shape − 1)",
        "shape minimum²/((shape − 1)² (shape − 2))",
        "",
        "finite for shape > 1, and > 2",
    ),
    "Poisson": ("rate", "rate", "", ""),
    "Rayleigh": ("scale √(π/2)", "scale² (2 − π/2)", "", ""),
    "SkewNormal": (
        "loc + scale δ √(2/π)",
        "scale² (1 − 2 δ²/π)",
        "δ = shape/√(1 + shape²)",
        "",
    ),
    "StudentT": ("loc", "scale² df/(df − 2)", "", "exist for df > 1, and > 2"),
    "Uniform": ("(lower + upper)/2", "(upper − lower)²/12", "", ""),
    "VonMises": ("loc", "", "", "the variance has no closed form"),
    "Weibull": ("scale Γ(1 + 1/shape)", "scale² Γ(1 + 2/shape) − mean²", "", ""),
    "Zipf": (
        "ζ(exponent − 1)/ζ(exponent)",
        "ζ(exponent − 2)/ζ(exponent) − mean²",
        "",
        "finite for exponent > 2, and > 3",
    ),
}


def moments(name: str) -> str:
    """Mean and variance of a family in Markdown, set as formulas."""
    mean, variance, letter, where = MOMENTS[name]
    named = [("mean", mean), ("variance", variance), ("with", letter)]
    parts = [f"{what} {{formula}}`{text}`" for what, text in named if text]
    return "<br>".join([*parts, *([where] if where else [])])


def evaluated(name: str, values: dict[str, float]) -> tuple[float | None, float | None]:
    """Mean and variance by the formulas; None where there is none."""
    mean, variance, letter, _ = MOMENTS[name]
    known = dict(values)
    if letter:
        symbol, definition = letter.split(" = ")
        known[symbol] = formulas.evaluate(definition, known)
    first = formulas.evaluate(mean, known) if mean else None
    if first is not None:
        known["mean"] = first
    return first, formulas.evaluate(variance, known) if variance else None
