"""Goodness of fit: distances between a sample and the model that was fitted to it, tested."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from kullback._core.display import Display, Displayed, Table

_TITLES: Mapping[str, str] = {
    "kolmogorov_smirnov": "Kolmogorov–Smirnov",
    "cramer_von_mises": "Cramér–von Mises",
    "anderson_darling": "Anderson–Darling",
    "chi_square": "chi-square",
}

# An estimate in the model's text has all its digits; the title shows six.
_LONG = re.compile(r"\d+\.\d{4,}(?:e[+-]?\d+)?")


@final
@dataclass(frozen=True)
class GoodnessOfFitTest:
    """One statistic, larger for a worse fit.

    Attributes:
        statistic: its value.
        p_value: the share of samples of the fitted model, fitted again, whose statistic is as
            large; None without such samples.
        df: of a chi-square statistic, the number of cells less one less that of estimated
            parameters; None for others.
    """

    statistic: float
    p_value: float | None = None
    df: int | None = None


@final
@dataclass(frozen=True, eq=False, repr=False)
class GoodnessOfFit(Displayed):
    """The statistics of a fit, with p-values by parametric bootstrap.

    Attributes:
        model: the fitted model, as text.
        n: the number of rows, each as often as its weight says.
        n_bootstrap: the number of samples of the fitted model.
        failed: the number of them that could not be fitted, and are left out.
        kolmogorov_smirnov: D, the largest distance between the two distribution functions; None for
            counts.
        cramer_von_mises: W², from the mean squared distance; None for counts.
        anderson_darling: A², the same with more weight in the tails; None for counts, and where an
            estimate is the smallest or largest outcome.
        chi_square: Σ (O − E)²/E over cells; None without cells.
        cells: what the cells are; empty without.
        notes: why a statistic is None, and what to know of the p-values.
    """

    model: str
    n: int
    n_bootstrap: int
    failed: int
    kolmogorov_smirnov: GoodnessOfFitTest | None
    cramer_von_mises: GoodnessOfFitTest | None
    anderson_darling: GoodnessOfFitTest | None
    chi_square: GoodnessOfFitTest | None
    cells: str
    notes: tuple[str, ...]

    @property
    def tests(self) -> dict[str, GoodnessOfFitTest]:
        """The statistics that there are, by name."""
        named = {name: getattr(self, name) for name in _TITLES}
        return {name: test for name, test in named.items() if test is not None}

    @property
    def conclusion(self) -> str:
        """What the p-values say, in a sentence."""
        p = {_TITLES[n]: t.p_value for n, t in self.tests.items() if t.p_value is not None}
        if not p:
            return "No p-values: ask for samples with n_bootstrap=999."
        for level in (0.01, 0.05):
            against = [name for name, value in p.items() if value <= level]
            others = [name for name in p if name not in against]
            if against:
                but = f", not by {_listed(others)}" if others else ""
                return f"The model is rejected at the {level:.0%} level by {_listed(against)}{but}."
        return f"No evidence against the model: the smallest p-value is {min(p.values()):.3g}."

    def _display(self) -> Display:
        samples = f", {self.n_bootstrap:,} samples of the model" if self.n_bootstrap else ""
        model = _LONG.sub(lambda number: f"{float(number[0]):.6g}", self.model)
        title = f"Goodness of fit of {model} to {self.n:,} rows{samples}"
        rows = [
            (
                _TITLES[name],
                f"{test.statistic:.6g}",
                "" if test.p_value is None else f"{test.p_value:.3g}",
                "" if test.df is None else f"{test.df}",
            )
            for name, test in self.tests.items()
        ]
        notes = [self.conclusion, *self.notes]
        if self.cells:
            notes.insert(1, f"Cells: {self.cells}.")
        return Display(title, [Table(rows, ("test", "statistic", "p", "df"), (1, 2, 3))], notes)

    def __repr__(self) -> str:
        """The table of the tests, and what it says."""
        shown = self._display()
        return "\n".join([shown.title, *map(str, shown.tables), *shown.notes])


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
