"""The families: density, parameters, support, moments and a small plot, from their classes."""

from __future__ import annotations

import inspect
import re
from html import escape
from pathlib import Path
from typing import Any

import formulas
import numpy as np
from moments import moments

import kullback as kl
from kullback._core.domains import REAL

# What is drawn: numbers at which the shape can be seen.
DRAWN: dict[str, dict[str, Any]] = {
    "Bernoulli": {"probability": 0.3},
    "Beta": {"alpha": 2.0, "beta": 3.0},
    "BetaBinomial": {"trials": 10, "probability": 0.4, "precision": 4.0},
    "Binomial": {"trials": 10, "probability": 0.4},
    "BirnbaumSaunders": {"shape": 0.7, "scale": 2.0},
    "Burr": {"shape1": 1.5, "shape2": 3.0, "scale": 2.0},
    "Cauchy": {"loc": 0.0, "scale": 1.0},
    "Exponential": {"rate": 0.5},
    "Frechet": {"shape": 3.0, "scale": 2.0},
    "Gamma": {"shape": 3.0, "rate": 1.0},
    "GeneralizedExtremeValue": {"loc": 0.0, "scale": 1.0, "shape": 0.2},
    "GeneralizedGamma": {"loc": 0.5, "scale": 0.5, "shape": 0.5},
    "GeneralizedPareto": {"scale": 1.0, "shape": 0.3},
    "GeneralizedPoisson": {"mean": 3.0, "dispersion": 0.5},
    "Geometric": {"probability": 0.3},
    "Gompertz": {"shape": 0.5, "rate": 0.2},
    "Gumbel": {"loc": 0.0, "scale": 1.0},
    "HalfNormal": {"scale": 1.0},
    "InverseGamma": {"shape": 3.0, "scale": 4.0},
    "InverseGaussian": {"mean": 2.0, "shape": 4.0},
    "Laplace": {"loc": 0.0, "scale": 1.0},
    "LogLogistic": {"shape": 3.0, "scale": 2.0},
    "LogNormal": {"loc": 0.5, "scale": 0.5},
    "LogSeries": {"probability": 0.7},
    "Logistic": {"loc": 0.0, "scale": 1.0},
    "Lomax": {"shape": 3.0, "scale": 2.0},
    "NegativeBinomial": {"mean": 3.0, "size": 2.0},
    "Normal": {"loc": 0.0, "scale": 1.0},
    "Pareto": {"shape": 3.0, "minimum": 1.0},
    "Poisson": {"rate": 3.0},
    "Rayleigh": {"scale": 1.0},
    "SkewNormal": {"loc": 0.0, "scale": 1.0, "shape": 3.0},
    "StudentT": {"df": 3.0, "loc": 0.0, "scale": 1.0},
    "Uniform": {"lower": 0.0, "upper": 1.0},
    "VonMises": {"loc": 0.0, "concentration": 2.0},
    "Weibull": {"shape": 2.0, "scale": 2.0},
    "Zipf": {"exponent": 2.5},
}


def families() -> dict[str, Any]:
    """The public families by name."""
    found = {name: getattr(kl, name) for name in kl.__all__}
    return {
        name: kind
        for name, kind in found.items()
        if inspect.isclass(kind) and issubclass(kind, kl.Family) and kind is not kl.Family
    }


def prose(name: str) -> str:
    """A docstring before its sections, in one line."""
    text = inspect.cleandoc(vars(families()[name])["__doc__"])
    return " ".join(re.split(r"\n\s*(?:Example|Raises|Args):", text)[0].split())


def stated(name: str) -> list[str]:
    """The formulas of a docstring, as they are written: the density or a probability first."""
    text = prose(name)
    found = []
    for start, end in formulas.found_in(text):
        piece = text[start:end]
        if text[:start].endswith("Density "):
            piece = f"q(x) = {piece}"
        found.append(piece)
    return found


def density(name: str) -> str:
    """The density, or where a docstring gives none the distribution function."""
    found = stated(name)
    for start in ("q(x)", "P(X", "q("):
        for piece in found:
            if piece.startswith(start):
                return piece
    raise LookupError(f"{name}: no density in the docstring")


def helpers(name: str) -> list[str]:
    """Definitions that the density uses, such as z = (x − loc)/scale."""
    defined = {piece[0]: piece for piece in stated(name) if re.match(r"[A-Za-zθλδα] = ", piece)}
    if name == "GeneralizedPoisson":
        defined["α"] = "α = dispersion"  # where the mean is the same in all rows
    used = names_of(formulas.read(density(name)))
    for letter in [*defined, *defined]:  # twice: a definition may use another one
        if letter in used:
            used |= names_of(formulas.read(defined[letter]))
    return [piece for letter, piece in defined.items() if letter in used]


def names_of(node: Any) -> set[str]:
    if not isinstance(node, tuple):
        return set()
    if node[0] == "name":
        return {node[1]}
    return set().union(*map(names_of, node))


def parameters(name: str) -> str:
    kind = families()[name]
    parts = [
        parameter if domain == REAL else domain.phrase(parameter)
        for parameter, domain in kind.default_parameters.items()
    ]
    return ", ".join(parts)


def support(name: str) -> str:
    kind = families()[name]
    return "x = 0, …, trials" if "trials" in kind.required else kind.support.phrase("x")


def at_drawn(name: str) -> str:
    model = getattr(kl, name)(**DRAWN[name])
    numbers = ", ".join(f"{key} = {value:g}" for key, value in DRAWN[name].items())

    def shown(what: str) -> str:
        try:
            return f"{getattr(model, what)():.4g}"
        except kl.KullbackError:
            return "none in closed form"

    return f"{numbers}: mean {shown('mean')}, variance {shown('variance')}"


def draw(name: str, file: Path) -> None:
    """Draw the density, or the probabilities of counts, as a small SVG."""
    from matplotlib.figure import Figure

    model = getattr(kl, name)(**DRAWN[name])
    figure = Figure(figsize=(2.2, 1.2))
    axes = figure.add_axes((0.02, 0.16, 0.96, 0.8))
    if model.support.whole or name in ("Bernoulli", "Binomial", "BetaBinomial"):
        low, high = (0, 1) if name == "Bernoulli" else (0, int(model.quantile(0.995)))
        x = np.arange(low, high + 1.0)
        axes.vlines(x, 0, model.density(x), color="#3b6fb6", linewidth=3)
    else:
        low, high = model.quantile([0.001, 0.99])
        if name in ("Cauchy", "VonMises", "StudentT"):
            low, high = (-np.pi, np.pi) if name == "VonMises" else (-6.0, 6.0)
        x = np.linspace(low, high, 301)
        q = model.density(x)
        axes.plot(x, q, color="#3b6fb6")
        axes.fill_between(x, q, color="#3b6fb6", alpha=0.15)
    axes.set_ylim(0)
    axes.set_yticks([])
    axes.tick_params(labelsize=6, length=2)
    axes.locator_params(axis="x", nbins=4)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    figure.savefig(file, metadata={"Date": None})


def block_of_formulas(name: str) -> str:
    rows = [formulas.mathml(piece, display=True) for piece in [density(name), *helpers(name)]]
    return "".join(rows)


def family_block(name: str) -> str:
    """The head of a family's page: plot, formulas, domain."""
    return f"""```{{image}} plots/{name}.svg
:alt: the density of {name} at {at_drawn(name)}
:width: 14rem
```

```{{raw}} html
{block_of_formulas(name)}
```

| | |
|---|---|
| parameters | {parameters(name)} |
| outcomes | {support(name)} |
| moments | {moments(name)} |
| drawn | {at_drawn(name)} |
"""


def family_table(folder: Path) -> str:
    """The page of all families, and their plots."""
    folder.mkdir(exist_ok=True)
    rows = []
    for name in families():
        file = folder / f"{name}.svg"
        if not file.exists():
            draw(name, file)
        cells = [
            f"![{name}](plots/{name}.svg)",
            f"{{ref}}`{name} <name-{name}>`",
            f"{{formula}}`{density(name)}`".replace("|", r"\|"),
            escape(parameters(name), quote=False)
            + "<br>*"
            + escape(support(name), quote=False)
            + "*",
            f"{moments(name)}<br>*{at_drawn(name)}*",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    table = "\n".join(rows)
    return f"""(families)=
# All families

Every family, with its density (or distribution function, where its docstring gives that),
parameters, outcomes and moments. A name leads to the family's page, with other parametrisations
and the source. [The reference](../index.md#families) says how each is fitted.

{{.families}}
| | family | density | parameters, *outcomes* | moments, *those of the picture* |
|---|---|---|---|---|
{table}
"""
