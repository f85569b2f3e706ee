"""The fits of all groups as a table: a row for each group, a whole fit for each key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.display import Display, Displayed, Table, value_text
from kullback._core.equality import same
from kullback._core.errors import did_you_mean
from kullback._core.units import nats_per
from kullback.data.checks import count_of
from kullback.objective.evaluated import CovarianceKind
from kullback.results.fit import Fit
from kullback.results.pooled import check_groups, pooled_test
from kullback.results.test_result import TestResult

# Groups that are shown, as of other tables.
_SHOWN = 20


@runtime_checkable
class Fits(Protocol):
    """Makes whole fits of the rows behind a table."""

    def __call__(self, group: int) -> Fit:
        """Return the fit of a group, by its number."""

    def pooled(self, groups: NDArray[np.bool_]) -> Fit:
        """Return one fit to the rows of some groups."""


def numbers_by_name(table: Mapping[str, Any]) -> Iterator[tuple[str, Vector]]:
    """Yield the columns of estimates, each of one number a group: ``rate``, ``rate[age]``."""
    for name, values in table.items():
        if isinstance(values, Mapping):
            yield from ((f"{name}[{label}]", own) for label, own in numbers_by_name(values))
        elif values.ndim == 1:
            yield name, values
        else:
            yield from ((f"{name}[{i}]", own) for i, own in enumerate(values.T))


@final
@dataclass(frozen=True)
class _OtherCovariance:
    """The fits of another table, with standard errors from another covariance."""

    make: Fits
    groups: int
    kind: CovarianceKind
    clusters: Any
    correction: str

    def __call__(self, group: int) -> Fit:
        fit = self.make(group)
        if fit.problem is None:  # solved with others, and without the rows that clusters need
            fit = self.make.pooled(np.arange(self.groups) == group)
        return fit.with_covariance(self.kind, clusters=self.clusters, correction=self.correction)

    def pooled(self, groups: NDArray[np.bool_]) -> Fit:
        return self.make.pooled(groups)


def _stacked(like: Mapping[str, Any], of_groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Numbers of every group by name, as a table has them; NaN for a group without any."""
    out: dict[str, Any] = {}
    for name, old in like.items():
        own = [group.get(name) for group in of_groups]
        if isinstance(old, Mapping):
            out[name] = _stacked(old, [group or {} for group in own])
        else:
            none = np.full(np.shape(old)[1:], np.nan)
            out[name] = np.array([none if value is None else value for value in own])
    return out


@final
class FitTable(Displayed):
    """The fits of a model to every group of rows, in the order of the sorted keys.

    ``table[key]`` is the ``kl.Fit`` of a group; where several columns are keys, ``key`` is a tuple.
    Where the rows were files of more than 256 MiB, it reads those of the group again. Iteration
    yields the keys.

    Attributes:
        model_name: the model's name.
        by: the names of the key columns.
        keys: the key of each group.
        n: the total weight of each group: its number of rows where no weights were given.
        params: the estimates by parameter, one number a group; NaN where there is no fit. Those of
            a formula by coefficient, as in ``fit.params``.
        stderr: their standard errors; 0 for a fixed parameter, NaN where there is none.
        log_likelihood: of each group, every constant included.
        converged: whether each fit converged.
        reason: why, or why not; for a group that cannot be fitted, what is wrong with its rows.

    Example:
        >>> import kullback as kl
        >>> rows = {"machine": ["b", "a", "b", "a"], "hours": [1.0, 3.0, 2.0, 5.0]}
        >>> table = kl.fit(kl.Exponential(), rows, "hours", by="machine")
        >>> table["a"].params
        {'rate': 0.25}
    """

    def __init__(
        self,
        model: str,
        by: tuple[str, ...],
        keys: tuple[Any, ...],
        columns: Mapping[str, Any],
        fits: Fits,
        frame: Callable[[Mapping[str, Any]], Any],
        notes: tuple[str, ...] = (),
    ) -> None:
        """Take the columns, and what makes the fit of a group and a frame.

        Args:
            model: the model's name.
            by: the names of the key columns.
            keys: the key of each group.
            columns: ``n``, ``params``, ``stderr``, ``log_likelihood``, ``converged``, ``reason``.
            fits: makes the fits of groups, by their numbers.
            frame: returns a table of the key columns and of columns beside them.
            notes: on how the rows were read, a sentence each.
        """
        self.by, self.keys = by, keys
        self.n: Vector = columns["n"]
        self.params: dict[str, Any] = columns["params"]
        self.stderr: dict[str, Any] = columns["stderr"]
        self.log_likelihood: Vector = columns["log_likelihood"]
        self.converged: NDArray[np.bool_] = columns["converged"]
        self.reason: tuple[str, ...] = columns["reason"]
        self.model_name, self._make, self._frame, self._notes = model, fits, frame, notes
        self._fits: dict[int, Fit] = {}

    @cached_property
    def _numbers(self) -> dict[Any, int]:
        return {key: number for number, key in enumerate(self.keys)}

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self._numbers

    def __getitem__(self, key: Any) -> Fit:
        """Return the fit of a group.

        Raises:
            KeyError: where there is no such group.
            DataError: where the group cannot be fitted.
        """
        number = self._numbers.get(key)
        if number is None:
            near = did_you_mean(str(key), map(str, self.keys))
            raise KeyError(
                f"there is no group {key!r} among the {len(self):,} by {', '.join(self.by)}{near}"
            )
        if number not in self._fits:
            self._fits[number] = self._make(number)
        return self._fits[number]

    def to_frame(self) -> Any:
        """Return a frame of one row a group, of the library that the rows came from.

        For arrays and files it is a pandas DataFrame where pandas is installed, else a
        ``pyarrow.Table``. Its columns are the key columns, ``n``, each parameter and its
        ``_stderr``, ``log_likelihood``, ``converged`` and ``reason``.
        """
        return self._frame(self.columns)

    def with_covariance(
        self, kind: CovarianceKind, *, clusters: Any = None, correction: str = "none"
    ) -> FitTable:
        """Return the same table with standard errors from another covariance.

        The whole fit of every group is made for it: see ``kl.Fit.with_covariance``.

        Args:
            kind: "observed", "expected", "sandwich" or "clustered".
            clusters: for "clustered", a column of the data, or an array with a value for every row
                of them, those of other groups included.
            correction: "none", or "CR1" for the factor G/(G − 1) of the G clusters of a group.

        Raises:
            KullbackError: for another kind, and a group of a single cluster.

        Example:
            >>> import kullback as kl
            >>> rows = {"line": [1] * 4 + [2] * 4, "faults": [1, 0, 2, 1, 4, 3, 6, 5]}
            >>> rows["shift"] = ["a", "a", "b", "b"] * 2
            >>> table = kl.fit(kl.Poisson(), rows, "faults", by="line")
            >>> table.with_covariance("clustered", clusters="shift").stderr["rate"].round(
            ...     4
            ... ).tolist()
            [0.3536, 0.7071]
        """
        make = _OtherCovariance(self._make, len(self), kind, clusters, correction)
        errors = [make(i).stderr if ok else {} for i, ok in enumerate(self.converged)]
        columns = {
            name: getattr(self, name) for name in ("n", "params", "log_likelihood", "converged")
        }
        columns |= {"reason": self.reason, "stderr": _stacked(self.stderr, errors)}
        return FitTable(
            self.model_name, self.by, self.keys, columns, make, self._frame, self._notes
        )

    def pooled_test(self, *, exclude_failed: bool = False) -> TestResult:
        """Test whether all groups share one set of parameters.

        The statistic is 2 (Σ log L_g − log L): log L_g of each group's own fit, and log L of one
        fit to the rows of all. If the groups share their parameters it is, in large groups,
        chi-squared with (groups − 1) · k degrees of freedom, k the number of free parameters of
        the model. Source: S. S. Wilks (1938), Annals of Mathematical Statistics 9, 60–62.

        Args:
            exclude_failed: whether groups whose fit did not converge are left out, with their rows.

        Raises:
            KullbackError: for groups that did not converge, fewer than two groups, a model with a
                penalty, or one whose estimate is the smallest or largest outcome.

        Example:
            >>> import kullback as kl
            >>> rows = {"line": ["a"] * 4 + ["b"] * 4, "faults": [1, 0, 2, 1, 4, 3, 6, 5]}
            >>> table = kl.fit(kl.Poisson(), rows, "faults", by="line")
            >>> round(table.pooled_test().p_value, 4)
            0.0019
        """
        tested = check_groups(self.keys, self.converged, exclude_failed=exclude_failed)
        return pooled_test(
            self._make.pooled(tested),
            self.by,
            self.log_likelihood[tested],
            self.n[tested],
            int(np.sum(~tested)),
        )

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of ``to_frame`` without the keys, as arrays."""
        return {
            "n": self.n,
            **self._estimates,
            "log_likelihood": self.log_likelihood,
            "converged": self.converged,
            "reason": np.array(self.reason, dtype=object),
        }

    @property
    def _estimates(self) -> dict[str, Vector]:
        """Each parameter's estimates and errors by column; of a vector, number by number."""
        errors = dict(numbers_by_name(self.stderr))
        out: dict[str, Vector] = {}
        for name, values in numbers_by_name(self.params):
            out[name], out[f"{name}_stderr"] = values, errors[name]
        return out

    def __eq__(self, other: object) -> bool:
        """Whether keys and all columns are equal."""
        if not isinstance(other, FitTable):
            return False
        names = (
            "model_name",
            "by",
            "keys",
            "n",
            "params",
            "stderr",
            "log_likelihood",
            "converged",
            "reason",
        )
        return all(same(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        return hash((FitTable, self.by, self.keys))

    def __repr__(self) -> str:
        """The first groups as a table, and the number of the others."""
        return str(self.display())

    def _display(self) -> Display:
        return self.display()

    def display(self, unit: str = "nats") -> Display:
        """Return the table to show: of many groups the first, with empty rows for the others.

        Args:
            unit: of the cross-entropies: nats, bits or hartleys.
        """
        failed = int(np.sum(~self.converged))
        notes = list(self._notes)
        if failed:
            notes.append(f"{failed:,} of {len(self):,} fits did not converge: see reason.")
        columns = self._estimates
        estimates = [name for name in columns if not name.endswith("_stderr")]
        losses = -self.log_likelihood[:_SHOWN] / self.n[:_SHOWN] / nats_per(unit)
        rows: list[tuple[str, ...]] = [
            (
                *map(value_text, key if len(self.by) > 1 else (key,)),
                f"{self.n[i]:,.12g}",
                *(f"{columns[p][i]:.6g} ± {columns[f'{p}_stderr'][i]:.2g}" for p in estimates),
                f"{losses[i]:.6f}",
                "" if self.converged[i] else f"NOT CONVERGED: {self.reason[i]}",
            )
            for i, key in enumerate(self.keys[:_SHOWN])
        ]
        head = (*self.by, "n", *estimates, f"cross-entropy ({unit})", "")
        rows += [()] * (len(self) - len(rows))
        title = (
            f"{self.model_name} fitted to {count_of(len(self), 'group')} by {', '.join(self.by)}"
        )
        return Display(title, [Table(rows, head, range(len(self.by), len(head) - 1))], notes)
