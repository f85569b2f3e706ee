"""The result of a test: its statistic, its distribution and its p-value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.display import Display, Displayed, Table


@final
@dataclass(frozen=True, eq=False, repr=False)
class TestResult(Displayed):
    """The result of a test of a hypothesis.

    Attributes:
        statistic: the test's statistic.
        df: degrees of freedom of the chi-squared distribution; 0 where it has none.
        p_value: the probability of a statistic at least as extreme, if the hypothesis is true.
        distribution: the statistic's distribution if the hypothesis is true, in large samples.
        hypothesis: what is tested, as text.
        test: the name of the test.
        notes: what limits it, a sentence each.
    """

    __test__ = False  # pytest collects classes by their names

    statistic: float
    df: int
    p_value: float
    distribution: str
    hypothesis: str
    test: str
    notes: tuple[str, ...] = ()

    @property
    def _line(self) -> str:
        return (
            f"{self.test}: {self.hypothesis}: statistic {self.statistic:.5g}, "
            f"{self.distribution}, p {self._p_text(3)}"
        )

    def _p_text(self, digits: int) -> str:
        """The p-value with its sign; no probability is 0, but doubles end at 5e-324."""
        return "< 1e-300" if self.p_value < 1e-300 else f"= {self.p_value:.{digits}g}"

    def __str__(self) -> str:
        """The result in a line, and a line for each note."""
        return "\n  ".join([self._line, *self.notes])

    def _display(self) -> Display:
        rows = [
            ("hypothesis", self.hypothesis),
            ("statistic", f"{self.statistic:.6g}"),
            ("distribution", self.distribution),
            ("p-value", self._p_text(4).removeprefix("= ")),
        ]
        return Display(self._line, [Table(rows)], self.notes)


def chi_squared_test(
    statistic: float,
    df: int,
    hypothesis: str,
    test: str,
    notes: tuple[str, ...] = (),
    *,
    boundary: bool = False,
) -> TestResult:
    """Return the result of a test whose statistic is chi-squared.

    Args:
        statistic: at least 0.
        df: degrees of freedom.
        hypothesis: what is tested.
        test: its name.
        notes: what limits it.
        boundary: whether one of the parameters is on a bound if the hypothesis is true: the
            statistic is then an equal mixture of those of ``df − 1`` and ``df`` degrees of freedom.
            Source: S. G. Self and K.-Y. Liang (1987), Journal of the American Statistical
            Association 82, 605–610, case 6.
    """
    p = _upper(statistic, df)
    named = f"chi-squared({df})"
    if boundary:
        p = 0.5 * (p + _upper(statistic, df - 1))
        named = f"½ chi-squared({df - 1}) + ½ chi-squared({df})"
    return TestResult(statistic, df, p, named, hypothesis, test, notes)


def _upper(statistic: float, df: int) -> float:
    """The probability of a larger chi-squared number; of 0 degrees of freedom it is 0."""
    from scipy.special import chdtrc

    if df == 0:
        return float(statistic <= 0.0)
    return float(chdtrc(np.float64(df), np.float64(statistic)))
