"""Events that are written as text or other codes: what each of them means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import is_missing
from kullback.data.checks import HERE, Place, and_more, count_of, shown_rows
from kullback.data.sample import Floats

_MEANINGS = "1 (the outcome itself), 0 (at least so large) or −1 (at most so large)"


@final
class Events:
    """How outcomes were observed, in codes of your own: text, as beside a detection limit, or any.

    Args:
        meanings: by value of the column, 1 where the outcome itself was seen, 0 where it is at
            least so large (right-censored), −1 where it is at most so large (left-censored).
        of: the name of the column, or an array where the data are in memory.

    Raises:
        DataError: for another meaning. A value that has none is an error of the fit.

    Example:
        Concentrations below a detection limit, which the other column then holds:

        >>> import kullback as kl
        >>> table = {"flag": ["=", "<", "=", "=", "<"], "level": [1.2, 0.5, 0.9, 2.4, 1.0]}
        >>> fit = kl.fit(kl.LogNormal(), table, "level", event=kl.Events({"<": -1, "=": 1}, "flag"))
        >>> fit.sample_info.inexact
        '2 of 5 rows are left-censored'
    """

    def __init__(self, meanings: Any, of: Any) -> None:
        if not isinstance(meanings, Mapping) or not meanings:
            raise DataError(
                f'the first argument says what each value means, as in {{"<": -1, "=": 1}}, got '
                f"{meanings!r}"
            )
        for value, meaning in meanings.items():
            if meaning not in (-1, 0, 1):
                raise DataError(f"{value!r} must mean {_MEANINGS}, got {meaning!r}")
        self.meanings = dict(meanings)
        self.of = of

    def __repr__(self) -> str:
        """The meanings, and the column."""
        of = repr(self.of) if isinstance(self.of, str) else f"<{type(self.of).__name__}>"
        return f"Events({self.meanings!r}, {of})"

    @property
    def written(self) -> bool:
        """Whether the values are texts."""
        return all(isinstance(value, str) for value in self.meanings)

    def read(self, values: NDArray[Any], label: str, place: Place = HERE) -> Floats:
        """Return 1, 0 or −1 for each value, NaN where it is missing.

        Raises:
            DataError: a value has no meaning.
        """
        given = values.tolist()
        codes = np.array([self.meanings.get(v, np.nan) for v in given], dtype=np.float64)
        unknown = np.isnan(codes)
        if unknown.any():
            unknown[unknown] = [not is_missing(given[i]) for i in np.flatnonzero(unknown)]
        if unknown.any():
            known = [repr(value) for value in self.meanings]
            raise DataError(
                f"{count_of(int(unknown.sum()), 'value')} of {label}{place.where} "
                f"{'is' if unknown.sum() == 1 else 'are'} none of {and_more(known, len(known))}: "
                f"{shown_rows(unknown, place, values)}. Say in kl.Events what such values mean, or "
                "correct them."
            )
        return codes
