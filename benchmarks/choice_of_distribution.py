"""Which distribution: the held-out loss of Kullback's choice, distfit's and fitter's, on real data.

    pip install distfit fitter statsmodels scikit-learn, then
    python benchmarks/choice_of_distribution.py

Writes CHOICES.md. Each of five parts of a data set is scored by the distribution that a program
chooses and fits from the other four.
"""

from __future__ import annotations

import contextlib
import csv
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe

import kullback as kl

HERE = Path(__file__).resolve().parent
FOLDS = 5

Score = Callable[[Any], Any]


def data_sets() -> dict[str, Any]:
    """Measurements by name, in the order of the table."""
    import sklearn.datasets as learn
    import statsmodels.api as sm

    with open(HERE.parent / "examples/data/danish_fire_losses.csv", encoding="utf-8") as file:
        losses = [float(row[-1]) for row in list(csv.reader(file))[1:]]
    models = sm.datasets
    cancer, wine = learn.load_breast_cancer().data, learn.load_wine().data
    spent = models.ccard.load_pandas().data["AVGEXP"].to_numpy(float)
    return {
        "Danish fire losses": np.array(losses),
        "Nile, annual flow": models.nile.load_pandas().data["volume"].to_numpy(float),
        "strikes, duration": models.strikes.load_pandas().data["duration"].to_numpy(float),
        "Engel, food expenditure": models.engel.load_pandas().data["foodexp"].to_numpy(float),
        "credit cards, expenditure": spent[spent > 0.0],
        "heart transplants, survival": models.heart.load_pandas().data["survival"].to_numpy(float),
        "diabetes, progression": learn.load_diabetes().target.astype(float),
        "breast cancer, mean radius": cancer[:, 0],
        "wine, alcohol": wine[:, 0],
        "iris, sepal length": learn.load_iris().data[:, 0],
    }


def kullback_choices(x: Any) -> list[tuple[str, Score]]:
    comparison = kl.compare("continuous", x, shifted=True)
    fits = (comparison.best, comparison.simplest)
    return [(fit.form.name, lambda new, fit=fit: -fit.model.log_density(new)) for fit in fits]


def distfit_choice(x: Any) -> list[tuple[str, Score]]:
    from distfit import distfit

    found = distfit(distr="popular", verbose=0)
    found.fit_transform(x)
    return [(found.model["name"], lambda new: -found.model["model"].logpdf(new))]


def fitter_choice(x: Any) -> list[tuple[str, Score]]:
    from fitter import Fitter, get_common_distributions
    from scipy import stats

    found = Fitter(x, distributions=get_common_distributions(), timeout=600)
    found.fit(max_workers=1, prefer="threads")
    ((name, params),) = found.get_best().items()
    return [(name, lambda new: -getattr(stats, name)(**params).logpdf(new))]


PROGRAMS = (
    (("best", "simplest"), kullback_choices),
    (("distfit",), distfit_choice),
    (("fitter",), fitter_choice),
)


def parts_of(x: Any) -> Any:
    """The part of each row."""
    return np.random.default_rng(0).permutation(x.size) % FOLDS


def held_out(x: Any) -> dict[str, tuple[list[str], Any]]:
    """The names that each way chose, and the loss of every row by a choice made without it."""
    part = parts_of(x)
    found = {way: ([], np.empty(x.size)) for ways, _ in PROGRAMS for way in ways}
    for k in range(FOLDS):
        for ways, choose in PROGRAMS:
            with warnings.catch_warnings(), open(os.devnull, "w") as nowhere:
                warnings.simplefilter("ignore")
                with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                    chosen = choose(x[part != k])
            for way, (name, score) in zip(ways, chosen, strict=True):
                found[way][0].append(name)
                found[way][1][part == k] = score(x[part == k])
    return found


def main() -> None:
    found = {}
    for title, x in data_sets().items():
        found[title] = held_out(x)
        print(_line(title, found[title]), file=sys.stderr, flush=True)
    write_page(found)


def write_page(found: dict[str, dict[str, tuple[list[str], Any]]]) -> None:
    lines = [_line(title, ways) for title, ways in found.items()]
    (HERE / "CHOICES.md").write_text(_page(lines), encoding="utf-8")


def _line(title: str, ways: dict[str, tuple[list[str], Any]]) -> str:
    cells = [title, f"{ways['best'][1].size:,}"]
    for names, losses in ways.values():
        most = max(dict.fromkeys(names), key=names.count)
        cells += [f"{most} ({names.count(most)})", _mean(losses)]
    for own in ("best", "simplest"):
        peers = [_outcome(ways[own][1], ways[peer][1]) for peer in ("distfit", "fitter")]
        cells.append(", ".join(peers))
    return f"| {' | '.join(cells)} |"


def _mean(losses: Any) -> str:
    impossible = int(np.sum(~np.isfinite(losses)))
    if impossible:
        return f"inf ({impossible} row{'s' * (impossible > 1)})"
    return f"{losses.mean():.4f} ± {losses.std(ddof=1) / np.sqrt(losses.size):.4f}"


def _outcome(own: Any, peer: Any) -> str:
    """How far the peer's mean loss is above ours, with the error of the rows' differences."""
    if not np.isfinite(own).all():
        return "both inf" if not np.isfinite(peer).all() else "**worse**"
    if not np.isfinite(peer).all():
        return "better"
    difference = peer - own
    mean, error = difference.mean(), difference.std(ddof=1) / np.sqrt(own.size)
    word = "better" if mean > 0.0 else "within one error" if mean > -error else "**worse**"
    return f"{word} ({mean:+.4f} ± {error:.4f})"


def _page(lines: list[str]) -> str:
    head = ["data", "rows"]
    head += [c for way in ("`best`", "`simplest`", "distfit", "fitter") for c in (way, "its loss")]
    head += ["`best` than distfit, fitter", "`simplest` than distfit, fitter"]
    rule = "| --- | ---: |" + " --- | ---: |" * 4 + " --- | --- |"
    rows = "\n".join([f"| {' | '.join(head)} |", rule, *lines])
    machine = "\n".join(describe())
    return f"""# The choice of a distribution, compared with distfit's and fitter's

Written by `python benchmarks/choice_of_distribution.py`.

{machine}

A program is given four fifths of the rows, and chooses and fits a distribution; the loss −log q
of the last fifth is that of its choice, in nats a row, ± the standard error of the mean. Every
row is so scored by a distribution that never saw it. Kullback's choices are `best` and `simplest`
of `kl.compare("continuous", x, shifted=True)`, by the loss of rows that it holds out of the four
fifths in turn; distfit's (of its "popular" distributions) and fitter's (of its common ones) are
by squared differences from a histogram, their defaults. The number behind a choice is for how
many of the five parts it was made. A loss is infinite where a held-out row lies outside of the
chosen distribution's support; in the last columns are the peer's mean loss less ours, ± the error
of the rows' differences.

{rows}

The data sets are of `examples/data`, statsmodels (nile, strikes, engel, ccard without zeros,
heart) and scikit-learn (diabetes, breast_cancer, wine, iris).
"""


if __name__ == "__main__":
    main()
