"""Reference cases with covariates: the model that a case describes, and its digits.

The cases are answers that nobody on this project computed (R 4.2.2, Stata, statsmodels' own tests);
each JSON says which. ``refined`` is the same maximum found again by separate code from the
definition of the likelihood. Digits are LRE = −log10(|estimate − answer| / |answer|).
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kullback as kl

CASES = Path(__file__).parents[1] / "reference"

# the case's family -> our model, and by the case's parameter ours and the factor from ours to its
# on the scale of the link: survreg's log scale is −log shape of the Weibull, gamlss's log sigma of
# the gamma is −½ log shape
PLAIN: dict[str, tuple[Any, dict[str, tuple[str, float]]]] = {
    "beta_mean_precision": (kl.Beta, {"mu": ("mean", 1), "phi": ("precision", 1)}),
    "betabinomial": (kl.BetaBinomial, {"mu": ("probability", 1), "theta": ("precision", 1)}),
    "binomial": (kl.Binomial, {"mu": ("probability", 1)}),
    "gamma_mean_cv": (kl.Gamma, {"mu": ("mean", 1), "sigma": ("dispersion", 0.5)}),
    "gengamma": (
        kl.GeneralizedGamma,
        {"mu": ("loc", 1), "sigma": ("scale", 1), "Q": ("shape", 1)},
    ),
    "gev": (
        kl.GeneralizedExtremeValue,
        {"location": ("loc", 1), "scale": ("scale", 1), "shape": ("shape", 1)},
    ),
    "gompertz": (kl.Gompertz, {"rate": ("rate", 1), "shape": ("shape", 1)}),
    # of minima: Gumbel of the outcomes with the other sign
    "gumbel_min": (kl.Gumbel, {"mu": ("loc", -1), "sigma": ("scale", 1)}),
    "hurdle_nbinom": (kl.NegativeBinomial, {"mu": ("mean", 1), "size": ("size", 1)}),
    "hurdle_poisson": (kl.Poisson, {"mu": ("rate", 1)}),
    "invgauss_mean_sigma": (kl.InverseGaussian, {"mu": ("mean", 1), "sigma": ("dispersion", 0.5)}),
    "logistic": (kl.Logistic, {"mu": ("loc", 1), "sigma": ("scale", 1)}),
    "loglogistic": (kl.LogLogistic, {"scale": ("scale", 1), "shape": ("shape", 1)}),
    "loglogistic_aft": (kl.LogLogistic, {"location": ("scale", 1), "scale": ("shape", -1)}),
    "lognormal": (kl.LogNormal, {"meanlog": ("loc", 1), "sdlog": ("scale", 1)}),
    "lognormal_aft": (kl.LogNormal, {"location": ("loc", 1), "scale": ("scale", 1)}),
    "nbinom_mu_size": (kl.NegativeBinomial, {"mu": ("mean", 1), "size": ("size", 1)}),
    "normal": (kl.Normal, {"mu": ("loc", 1), "sigma": ("scale", 1)}),
    "poisson": (kl.Poisson, {"mu": ("rate", 1)}),
    "poisson_right_censored": (kl.Poisson, {"mu": ("rate", 1)}),
    "skewnormal": (kl.SkewNormal, {"xi": ("loc", 1), "omega": ("scale", 1), "alpha": ("shape", 1)}),
    "student_t": (kl.StudentT, {"mu": ("loc", 1), "sigma": ("scale", 1), "df": ("df", 1)}),
    "weibull": (kl.Weibull, {"scale": ("scale", 1), "shape": ("shape", 1)}),
    "weibull_aft": (kl.Weibull, {"location": ("scale", 1), "scale": ("shape", -1)}),
    "zinb": (kl.NegativeBinomial, {"mu": ("mean", 1), "size": ("size", 1)}),
    "zip": (kl.Poisson, {"mu": ("rate", 1)}),
}

# a glm's family -> our model, the parameter that its formula is of, and the constant one with the
# case's name for it
GLM: dict[str, tuple[Any, str, tuple[str, str] | None]] = {
    "binomial": (kl.Binomial, "probability", None),
    "gamma": (kl.Gamma, "mean", ("shape", "shape")),
    "gaussian": (kl.Normal, "loc", ("scale", "sigma")),
    "invgauss": (kl.InverseGaussian, "mean", ("shape", "shape")),
    "nbinom": (kl.NegativeBinomial, "mean", ("size", "theta")),
    "poisson": (kl.Poisson, "rate", None),
}

# a survreg family -> our model, its location parameter, and its scale with the power of ours
SURVREG: dict[str, tuple[Any, str, tuple[str, int] | None]] = {
    "exponential": (kl.Exponential, "scale", None),
    "gaussian": (kl.Normal, "loc", ("scale", 1)),
    "loglogistic": (kl.LogLogistic, "scale", ("shape", -1)),
    "lognormal": (kl.LogNormal, "loc", ("scale", 1)),
    "weibull": (kl.Weibull, "scale", ("shape", -1)),
}

# counts of the statsmodels folder -> our model, its parameter, and the case's alpha as a power
COUNTS: dict[str, tuple[Any, str, tuple[str, int] | None]] = {
    "poisson": (kl.Poisson, "rate", None),
    "nbinom": (kl.NegativeBinomial, "mean", ("size", -1)),
    "nb1": (kl.NegativeBinomial, "mean", ("dispersion", 1)),
    "gp1": (kl.GeneralizedPoisson, "mean", ("dispersion", 1)),
    "gp2": (kl.GeneralizedPoisson, "mean", ("overdispersion", 1)),
}

LINKS = {"log": (np.log, lambda v: 1 / v), "identity": (np.float64, np.ones_like)}
LINKS["logit"] = (lambda v: math.log(v / (1 - v)), lambda v: 1 / (v * (1 - v)))


@dataclass
class Case:
    """What `kl.fit` is given, and the answers.

    Attributes:
        model: the model.
        data: the columns.
        y: the outcome's column or columns.
        options: further arguments of ``kl.fit``.
        answers: (name, our parameter, our coefficient or None, our value and error -> its, value,
            error); an error of None is not compared.
        loglik: its log-likelihood.
    """

    model: Any
    data: dict[str, Any]
    y: Any
    options: dict[str, Any] = field(default_factory=dict)
    answers: list[tuple[str, str, str | None, Callable[..., Any], float, float | None]] = field(
        default_factory=list
    )
    loglik: float = math.nan

    def fit(self, **changes: Any) -> Any:
        return kl.fit(self.model, self.data, self.y, **self.options, **changes)

    def digits(self, fit: Any) -> tuple[float, float, float]:
        """The least digits of the estimates and of the errors, and those of the log-likelihood."""
        found, errors = [], []
        for _, parameter, coefficient, convert, value, error in self.answers:
            ours, stderr = fit.params[parameter], fit.stderr[parameter]
            if coefficient is not None:
                for part in coefficient.split("|"):
                    ours, stderr = ours[part], stderr[part]
            ours, stderr = convert(float(ours), float(stderr))
            found.append(lre(ours, value))
            if error is not None:
                errors.append(lre(stderr, error))
        return min(found), min(errors, default=math.inf), lre(fit.log_likelihood, self.loglik)


def lre(value: float, answer: float) -> float:
    error = abs(value - answer) / abs(answer) if answer else abs(value)
    return 16.0 if error == 0.0 else -math.log10(error) if error == error else -math.inf


def read(path: Path) -> dict[str, np.ndarray]:
    """Read a CSV file of numbers, NA as NaN, its names made words of a formula."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
        header, *rows = list(csv.reader(file))
    table = np.array([[math.nan if v in ("NA", "") else float(v) for v in row] for row in rows])
    return {word(name): table[:, k].copy() for k, name in enumerate(header)}


def word(name: str) -> str:
    return name.replace(".", "_").replace("-", "_").replace(" ", "_")


def scaled(factor: float) -> Callable[[float, float], tuple[float, float]]:
    return lambda v, s: (factor * v, abs(factor) * s)


def powered(power: int) -> Callable[[float, float], tuple[float, float]]:
    return lambda v, s: (v**power, abs(power) * s * v ** (power - 1))


def linked(link: str, factor: float) -> Callable[[float, float], tuple[float, float]]:
    value, slope = LINKS[link]
    return lambda v, s: (factor * value(v), abs(factor) * slope(v) * s)


def formula(columns: Sequence[str], data: Mapping[str, Any], link: str | None, offset: str | None):
    """Return the formula of these columns, and the name of each one's coefficient."""
    constant = [c for c in columns if c not in data or np.all(data[c] == 1.0)]
    others = [c for c in columns if c not in constant]
    text = "~ " + (" + ".join(others) or "1") + ("" if constant else " - 1")
    names = ["Intercept" if c in constant else c for c in columns]
    if link is None and offset is None:
        return text, names
    return kl.Formula(text, link=link, offset=offset), names


def by_parameters(case: dict, data: dict[str, Any]) -> Case:
    """A case that lists the parameters of its family, with a link and columns for each."""
    kind, answer = case["family"], case["refined"]
    family, names = PLAIN[kind]
    zero = {"zip": kl.ZeroInflated, "zinb": kl.ZeroInflated}.get(kind)
    zero = kl.Hurdle if kind.startswith("hurdle") else zero
    out = Case(None, data, "y")
    sources: dict[str, Any] = {}
    position = 0
    for theirs, spec in case["parameters"].items():
        # pscl's hurdle models P(Y > 0), a zero-inflated model P(0)
        ours, factor = names.get(theirs, ("zero_probability", -1 if zero is kl.Hurdle else 1))
        if spec["link"] == "fixed":
            sources[ours] = spec["value"]
            continue
        columns = [word(c) for c in spec["columns"]]
        numbers = range(position, position + len(columns))
        position += len(columns)
        values = [(case["coef_names"][k], answer["estimate"][k], answer["se"][k]) for k in numbers]
        if columns == ["const"] and "offset" not in spec:
            name, value, error = values[0]
            link = (
                "log"
                if kind.endswith("_aft") and ours == "scale" and family is not kl.LogNormal
                else spec["link"]
            )
            convert = linked(link, factor)
            out.answers.append((name, ours, None, convert, value, error))
            continue
        link = spec["link"] if spec["link"] in ("probit", "inverse", "cloglog") else None
        sources[ours], own = formula(columns, data, link, spec.get("offset"))
        for name, (label, value, error) in zip(own, values, strict=True):
            out.answers.append((label, ours, name, scaled(factor), value, error))
    if family in (kl.Binomial, kl.BetaBinomial):
        if family is kl.Binomial and np.all(data["size"] == 1.0):
            family = kl.Bernoulli
        else:
            sources["trials"] = "size"
    every = {ours: None for ours, _ in names.values()}
    zeros = {"zero_probability": sources.pop("zero_probability", None)} if zero else {}
    own = {**every, **sources}
    own = {k: kl.Param() if v is None else v for k, v in own.items()}
    out.model = zero(family(**own), **zeros) if zero else family(**own)
    if kind == "gumbel_min":
        data["y"] = -data["y"]
    if "lower" in data:
        low, high = data["lower"], data["upper"]
        data["lower"] = np.where(np.isnan(low), -np.inf, low)
        data["upper"] = np.where(np.isnan(high), np.inf, high)
        out.y = ("lower", "upper")
    if "cens" in data:
        out.options["event"] = "event"
        data["event"] = 1.0 - data.pop("cens")
    if "trunc_left" in data or "trunc_right" in data:
        ends = [k if k in data else None for k in ("trunc_left", "trunc_right")]
        out.options["truncation"] = tuple(ends)
    if "weight" in data:
        out.options["weights"] = "weight"
    return out


def glm(case: dict, data: dict[str, Any]) -> Case:
    family, parameter, constant = GLM[case["family"]]
    answer, y = case["refined"], case.get("y", "y")
    columns = case.get("X") or [k for k in data if k.startswith("X")]
    default = {"poisson": "log", "binomial": "logit", "gaussian": "identity"}
    link = case["link"] if case["link"] != default.get(case["family"], "log") else None
    offset = "offset" if "offset" in data else None
    source, names = formula(columns, data, link, offset)
    sources: dict[str, Any] = {parameter: source}
    trials = "trials" if "trials" in data else case.get("trials")
    if family is kl.Binomial:
        if trials is None or np.all(data[trials] == 1.0):
            family = kl.Bernoulli
        else:
            sources["trials"] = trials
    out = Case(None, data, y)
    pairs = zip(names, answer["estimate"], answer["se"], strict=True)
    out.answers = [(n, parameter, n, scaled(1), v, s) for n, v, s in pairs]
    if constant is not None:
        ours, theirs = constant
        if f"{theirs}_fixed" in case or "alpha1" in case["name"]:
            sources[ours] = 1.0
        else:
            sources[ours] = kl.Param()
            out.answers.append(
                (theirs, ours, None, scaled(1), answer[theirs], answer[f"se_{theirs}"])
            )
    out.model = family(**sources)
    return out


def survreg(case: dict, data: dict[str, Any]) -> Case:
    family, parameter, scale = SURVREG[case["family"]]
    answer, status = case["refined"], data["status"]
    source, names = formula([k for k in data if k.startswith("X")], data, None, None)
    out = Case(family(**{parameter: source}), data, ("lower", "upper"))
    y = data["y"]
    data["lower"] = np.where(status == 2, -np.inf, y)
    data["upper"] = np.where(status == 0, np.inf, np.where(status == 3, data["y2"], y))
    pairs = zip(names, answer["estimate"], answer["se"], strict=True)
    if names == ["Intercept"]:  # without covariates the parameter itself
        return out
    out.answers = [(n, parameter, n, scaled(1), v, s) for n, v, s in pairs]
    if scale is not None:
        ours, power = scale
        out.answers.append(
            ("scale", ours, None, powered(power), answer["scale"], answer["se_scale"])
        )
    return out


def counts(case: dict, data: dict[str, Any]) -> Case:
    """Zero-inflated, hurdle, truncated and plain counts."""
    kind, answer = case["kind"], case["refined"]
    name = {"negbin": "nbinom"}.get(case["family"], case["family"])
    family, parameter, constant = COUNTS[name]
    x = case.get("X") or [k for k in data if k.startswith("X")]
    source, names = formula(x, data, None, case.get("offset"))
    out = Case(None, data, case.get("y", "y"))
    sources: dict[str, Any] = {parameter: source}
    if constant is not None:
        sources[constant[0]] = kl.Param()
    model = family(**sources)
    own = [(n, parameter, n, 1) for n in names]
    if kind == "count_truncated":
        model = kl.Truncated(model, lower=case["truncation"] + 1)
        keep = data[out.y] > case["truncation"]
        out.data = {k: v[keep] for k, v in data.items()}
    elif kind != "count":
        z = case.get("Z") or [k for k in data if k.startswith("Z")]
        link = case.get("zero_link", "logit")
        zero, of_zero = formula(z, data, None if link == "logit" else link, None)
        wrap, sign = (kl.Hurdle, -1) if kind == "hurdle" else (kl.ZeroInflated, 1)
        model = wrap(model, zero_probability=zero)
        zeros = [(n, "zero_probability", n, sign) for n in of_zero]
        own = zeros + own if kind == "count_zeroinf" else own + zeros
    triples = zip(own, answer["estimate"], answer["se"], strict=True)
    out.answers = [(f"{p}[{n}]", p, n, scaled(f), v, s) for (n, p, _, f), v, s in triples]
    if constant is not None:
        ours, power = constant
        theirs = "theta" if "theta" in answer else "alpha"
        power = 1 if theirs == "theta" else power
        value, error = answer[theirs], answer[f"se_{theirs}"]
        out.answers.append((theirs, ours, None, powered(power), value, error))
    out.model = model
    return out


def multinomial(case: dict, data: dict[str, Any]) -> Case:
    answer = case["refined"]
    columns = [k for k in data if k.startswith("X")]
    source, names = formula(columns, data, None, None)
    data["class"] = np.array(case["classes"])[data.pop("y").astype(int)]
    out = Case(kl.Categorical(logits=source, levels=case["classes"]), data, "class")
    if "weight" in data:
        out.options["weights"] = "weight"
    for level, values, errors in zip(
        case["classes"][1:], answer["estimate"], answer["se"], strict=True
    ):
        for n, v, s in zip(names, values, errors, strict=True):
            out.answers.append((f"{level}[{n}]", "logits", f"{level}|{n}", scaled(1), v, s))
    return out


def beta(case: dict, data: dict[str, Any]) -> Case:
    answer = case["refined"]
    data["one"] = data["const"] = np.ones(len(next(iter(data.values()))))
    if "y" not in data:
        data["y"] = data["food"] / data["income"]
    source, names = formula(case["X"], data, None, None)
    out = Case(kl.Beta(mean=source), data, "y")
    pairs = zip(names, answer["estimate"], answer["se"], strict=False)
    out.answers = [(n, "mean", n, scaled(1), v, s) for n, v, s in pairs]
    return out


KINDS: dict[str, Callable[[dict, dict[str, Any]], Case]] = {
    "betareg": beta,
    "count": counts,
    "count_truncated": counts,
    "count_zeroinf": counts,
    "glm": glm,
    "hurdle": counts,
    "multinomial_logit": multinomial,
    "survreg": survreg,
    "zeroinfl": counts,
}


def case_of(folder: str, name: str, root: Path = CASES, *, answers: bool = True) -> Case:
    case = json.loads((root / folder / f"{name}.json").read_text())
    case.setdefault("name", name)
    data = read(root / folder / case["data"])
    if not answers:
        case["refined"] = {"estimate": case["coef_names"], "se": case["coef_names"], "loglik": 0.0}
    out = (by_parameters if "parameters" in case else KINDS[case["kind"]])(case, data)
    out.loglik = case["refined"]["loglik"]
    return out


@pytest.fixture(scope="session")
def reference_case() -> Callable[..., Case]:
    return case_of


@pytest.fixture(scope="session")
def check_answers() -> Callable[[str], None]:
    """Fit a case, and compare its digits with those that are wanted."""

    def check(name: str) -> None:
        case = case_of(*name.split("/"))
        fit = case.fit()
        assert fit.convergence.converged
        estimates, errors, log_likelihood = case.digits(fit)
        # no more digits than the reference has, of which its last is not to be trusted
        precision = json.loads((CASES / f"{name}.json").read_text())["precision_digits"] - 1
        assert estimates >= min(9, precision)
        assert errors >= min(8, precision)
        assert log_likelihood >= 10

    return check
