"""The fits of all groups as a table: a row for each group, a whole fit for each key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.display import Display, Displayed, Table, value_text
from kullback._core.equality import same
from kullback._core.errors import did_you_mean
from kullback._core.printable import printable
from kullback.results.fit import Fit

# Groups that are shown, as of other tables.
_SHOWN = 20


@final
class FitTable(Displayed):
    """The fits of a model to every group of rows, in the order of the sorted keys.

    ``table[key]`` is the ``kl.Fit`` of a group; where several columns are keys, ``key`` is a tuple.
    Iteration yields the keys.

    Attributes:
        by: the names of the key columns.
        keys: the key of each group.
        n: the total weight of each group: its number of rows where no weights were given.
        params: the estimates by parameter, one number a group; NaN where there is no fit.
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
        fit: Callable[[int], Fit],
        frame: Callable[[Mapping[str, Any]], Any],
    ) -> None:
        """Take the columns, and what makes the fit of a group and a frame.

        Args:
            model: the model's name.
            by: the names of the key columns.
            keys: the key of each group.
            columns: ``n``, ``params``, ``stderr``, ``log_likelihood``, ``converged``, ``reason``.
            fit: returns the fit of a group, by its number.
            frame: returns a table of the key columns and of columns beside them.
        """
        self.by, self.keys = by, keys
        self.n: Vector = columns["n"]
        self.params: dict[str, Vector] = columns["params"]
        self.stderr: dict[str, Vector] = columns["stderr"]
        self.log_likelihood: Vector = columns["log_likelihood"]
        self.converged: NDArray[np.bool_] = columns["converged"]
        self.reason: tuple[str, ...] = columns["reason"]
        self._model, self._fit, self._frame = model, fit, frame
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
            self._fits[number] = self._fit(number)
        return self._fits[number]

    def to_frame(self) -> Any:
        """Return a frame of one row a group, of the library that the rows came from.

        For arrays and files it is a pandas DataFrame where pandas is installed, else a
        ``pyarrow.Table``. Its columns are the key columns, ``n``, each parameter and its
        ``_stderr``, ``log_likelihood``, ``converged`` and ``reason``.
        """
        return self._frame(
            {
                "n": self.n,
                **self._estimates,
                "log_likelihood": self.log_likelihood,
                "converged": self.converged,
                "reason": np.array(self.reason, dtype=object),
            }
        )

    @property
    def _estimates(self) -> dict[str, Vector]:
        """Each parameter's estimates and errors by column; of a vector, number by number."""
        out: dict[str, Vector] = {}
        for name, values in self.params.items():
            for i in range(1 if values.ndim == 1 else values.shape[1]):
                column = name if values.ndim == 1 else f"{name}[{i}]"
                own = (slice(None),) if values.ndim == 1 else (slice(None), i)
                out[column] = values[own]
                out[f"{column}_stderr"] = self.stderr[name][own]
        return out

    def __eq__(self, other: object) -> bool:
        """Whether keys and all columns are equal."""
        if not isinstance(other, FitTable):
            return False
        names = ("by", "keys", "n", "params", "stderr", "log_likelihood", "converged", "reason")
        return all(same(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        return hash((FitTable, self.by, self.keys))

    def __repr__(self) -> str:
        """The first groups as a table, and the number of the others."""
        shown = self._display()
        more = len(self) - _SHOWN
        lines = [printable(shown.title), str(Table(shown.tables[0].rows[:_SHOWN], *self._head))]
        lines += [f"and {more:,} more"] if more > 0 else []
        return "\n".join([*lines, *map(printable, shown.notes)])

    @property
    def _head(self) -> tuple[tuple[str, ...], range]:
        """The titles of the columns that are shown, and which of them are numbers."""
        estimates = [name for name in self._estimates if not name.endswith("_stderr")]
        titles = (*self.by, "n", *estimates, "log-likelihood", "")
        return titles, range(len(self.by), len(titles) - 1)

    def _display(self) -> Display:
        failed = int(np.sum(~self.converged))
        title = f"{self._model} fitted to {len(self):,} groups by {', '.join(self.by)}"
        notes = (
            [f"{failed:,} of {len(self):,} fits did not converge: see reason."] if failed else []
        )
        estimates = self._estimates
        rows = []
        for i in range(len(self) if len(self) <= _SHOWN else _SHOWN):
            key = self.keys[i] if len(self.by) > 1 else (self.keys[i],)
            numbers = [
                f"{values[i]:.6g} ± {estimates[f'{name}_stderr'][i]:.2g}"
                for name, values in estimates.items()
                if not name.endswith("_stderr")
            ]
            state = "" if self.converged[i] else f"NOT CONVERGED: {self.reason[i]}"
            rows.append(
                (
                    *map(value_text, key),
                    f"{self.n[i]:,.12g}",
                    *numbers,
                    f"{self.log_likelihood[i]:.6f}",
                    state,
                )
            )
        shown: list[tuple[str, ...]] = [*rows, *[()] * (len(self) - len(rows))]
        return Display(title, [Table(shown, *self._head)], notes)
