"""The names that SciPy, R, PyTorch and textbooks use for what a model here calls otherwise.

Errors translate them; none of them works as an alias.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kullback._core.errors import ModelError

_METHODS: Mapping[str, str] = {
    **dict.fromkeys(("pdf", "pmf", "prob"), "density"),
    **dict.fromkeys(("logpdf", "logpmf", "log_prob", "log_pdf", "log_pmf"), "log_density"),
    "logcdf": "log_cdf",
    "sf": "survival",
    **dict.fromkeys(("logsf", "log_sf"), "log_survival"),
    **dict.fromkeys(("ppf", "icdf"), "quantile"),
    "isf": "quantile(1 - u)",
    "median": "quantile(0.5)",
    "interval": "quantile at both ends",
    **dict.fromkeys(("rvs", "rsample"), "sample"),
    "var": "variance",
    **dict.fromkeys(("std", "stddev"), "the square root of variance()"),
    "fit": "kl.fit(model, data)",
    "nnlf": "-sum(log_density(x))",
}

_LOCATION_SCALE = {"mu": "loc", "location": "loc", "sigma": "scale"}
_PROBABILITY = dict.fromkeys(("p", "prob", "probs"), "probability")
_ZERO = dict.fromkeys(("p", "pi", "psi", "gate", "zi", "zero_prob"), "zero_probability")
_RATE = dict.fromkeys(("lam", "lambda", "lambd"), "rate")

# By family: for a name used elsewhere, the parameter here, with the conversion where they differ.
_PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "Bernoulli": {**_PROBABILITY, "theta": "probability", "logits": "logit"},
    "Beta": {
        **dict.fromkeys(("a", "shape1", "concentration1"), "alpha"),
        **dict.fromkeys(("b", "shape2", "concentration0"), "beta"),
        "mu": "mean",
        "phi": "precision",
    },
    "BetaBinomial": {
        **_PROBABILITY,
        **dict.fromkeys(("n", "size", "total_count"), "trials"),
        "mu": "probability",
        **dict.fromkeys(("theta", "phi"), "precision"),
        "a": "alpha",
        "b": "beta",
    },
    "Binomial": {
        **_PROBABILITY,
        **dict.fromkeys(("n", "size", "total_count"), "trials"),
        "logits": "logit",
    },
    "BirnbaumSaunders": {"c": "shape", "alpha": "shape", "beta": "scale"},
    "Burr": {"c": "shape2", "d": "shape1", "k": "shape1", "lam": "scale", "lambda": "scale"},
    "Categorical": {
        **dict.fromkeys(("p", "prob", "probs", "pvals", "theta"), "probabilities"),
        "logit": "logits",
    },
    "Cauchy": {**_LOCATION_SCALE, "x0": "loc", "gamma": "scale"},
    "Exponential": {**_RATE, **dict.fromkeys(("mean", "mu", "theta"), "scale")},
    "Frechet": {**dict.fromkeys(("c", "alpha"), "shape"), "s": "scale"},
    "Gamma": {
        **_RATE,
        **dict.fromkeys(("a", "alpha", "k", "concentration"), "shape"),
        "beta": "rate",
        "theta": "scale",
        "mu": "mean",
    },
    "GeneralizedExtremeValue": {**_LOCATION_SCALE, "xi": "shape", "c": "shape = -c"},
    "GeneralizedGamma": {**_LOCATION_SCALE, "q": "shape"},
    "GeneralizedPareto": {
        **_LOCATION_SCALE,
        **dict.fromkeys(("xi", "c", "k"), "shape"),
        "threshold": "loc",
        "u": "loc",
    },
    "GeneralizedPoisson": {"mu": "mean", "alpha": "dispersion", "p": "power"},
    "Geometric": {**_PROBABILITY, "mu": "mean"},
    "Gompertz": {**_RATE, "b": "shape"},
    "Gumbel": {**_LOCATION_SCALE, "beta": "scale"},
    "HalfNormal": {"sigma": "scale"},
    "Hurdle": _ZERO,
    "InverseGamma": {
        **dict.fromkeys(("a", "alpha", "concentration"), "shape"),
        **dict.fromkeys(("beta", "rate"), "scale"),
    },
    "InverseGaussian": {
        "mu": "mean",
        **dict.fromkeys(("lam", "lambda"), "shape"),
        "phi": "dispersion",
    },
    "Laplace": {**_LOCATION_SCALE, "b": "scale"},
    "LogLogistic": {"alpha": "scale", "beta": "shape", "c": "shape"},
    "LogNormal": {
        **dict.fromkeys(("mu", "meanlog"), "loc"),
        **dict.fromkeys(("sigma", "sdlog", "s"), "scale"),
    },
    "LogSeries": {**_PROBABILITY, "theta": "probability"},
    "Logistic": {**_LOCATION_SCALE, "s": "scale"},
    "Lomax": {"alpha": "shape", "c": "shape", "lam": "scale", "lambda": "scale"},
    "Mixture": {
        **dict.fromkeys(("n_components", "k", "n"), "components"),
        **dict.fromkeys(("probs", "probabilities", "proportions", "p", "pi", "lam"), "weights"),
        **dict.fromkeys(("distributions", "parts"), "models"),
    },
    "NegativeBinomial": {
        **_PROBABILITY,
        **dict.fromkeys(("n", "r", "k"), "size"),
        "mu": "mean",
        "alpha": "overdispersion",
        "theta": "size",
    },
    "Normal": {
        **_LOCATION_SCALE,
        "mean": "loc",
        **dict.fromkeys(("sd", "std", "stddev", "stdev"), "scale"),
        **dict.fromkeys(("var", "sigma2"), "variance"),
    },
    "Pareto": {
        **dict.fromkeys(("alpha", "a", "b"), "shape"),
        **dict.fromkeys(("scale", "xm", "x_m", "m"), "minimum"),
    },
    "Poisson": {**_RATE, **dict.fromkeys(("mu", "mean"), "rate")},
    "Rayleigh": {"sigma": "scale"},
    "Shifted": dict.fromkeys(("shift", "threshold", "location", "origin"), "loc"),
    "SkewNormal": {
        **_LOCATION_SCALE,
        "xi": "loc",
        "omega": "scale",
        **dict.fromkeys(("a", "alpha"), "shape"),
    },
    "StudentT": {**_LOCATION_SCALE, **dict.fromkeys(("nu", "dof"), "df")},
    "Truncated": {
        **dict.fromkeys(("a", "low", "left", "min", "minimum"), "lower"),
        **dict.fromkeys(("b", "high", "right", "max", "maximum"), "upper"),
    },
    "Uniform": {
        **dict.fromkeys(("a", "low", "min", "minimum", "loc"), "lower"),
        **dict.fromkeys(("b", "high", "max", "maximum"), "upper"),
        "scale": "upper = loc + scale",
    },
    "VonMises": {"mu": "loc", "kappa": "concentration"},
    "Weibull": {
        **dict.fromkeys(("k", "c"), "shape"),
        **dict.fromkeys(("lam", "lambda"), "scale"),
    },
    "ZeroInflated": _ZERO,
    "Zipf": {**dict.fromkeys(("a", "s", "alpha"), "exponent")},
}


def translated_method(model: str, name: str) -> str | None:
    """The message for a method that other libraries have under ``name``; None for other names."""
    here = _METHODS.get(name)
    return here and f"{model} has no {name}: use {here}."


def translated_parameters(family: str, names: Iterable[str]) -> str | None:
    """The message for parameters under names used elsewhere; None unless all are translated."""
    known = _PARAMETERS.get(family, {})
    names = list(names)
    here = [known.get(name.lower().rstrip("_")) for name in names]
    found = [parameter for parameter in here if parameter is not None]
    if not names or len(found) < len(names):
        return None
    noun = "parameter" if len(names) == 1 else "parameters"
    given = " or ".join(repr(name) for name in names)
    return f"{family} has no {noun} {given}: use {' and '.join(found)}."


def by_name_only(family: str, parameters: Iterable[str], given: Sequence[Any]) -> ModelError:
    """The error for parameters, or data, that were given without a name."""
    names = list(parameters)
    if len(given) == 1 and not isinstance(given[0], numbers.Number | str):
        remedy = f"to fit data use kl.fit(kl.{family}(), data)"
        return ModelError(f"{family} takes its parameters by name ({', '.join(names)}); {remedy}.")
    if len(given) > len(names):
        return ModelError(f"{family} takes its parameters by name: {', '.join(names)}.")
    call = ", ".join(f"{name}={value!r}" for name, value in zip(names, given, strict=False))
    return ModelError(f"{family} takes its parameters by name: {family}({call}).")
