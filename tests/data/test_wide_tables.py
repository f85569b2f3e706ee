"""Wide tables: the number of look-ups of columns is proportional to the number of columns.

The counts are of calls of pandas', polars' and Python's own look-ups; reading a table with 1,200
columns once took 1,201 scans of all 1,200 types.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import kullback as kl
from kullback.data.observation import Unobserved
from kullback.data.open import open_sample
from kullback.data.roles import Roles


def _columns(count: int) -> dict[str, Any]:
    values = np.random.default_rng(0).standard_normal((count, 3))
    return {"label": np.array(["a", "b", "a"]), **{f"c{k}": v for k, v in enumerate(values)}}


def _calls(work: Callable[[], Any]) -> int:
    """The number of calls of Python and C functions."""
    count = 0

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


LABEL = Roles("label", columns=None, outcome="label", inferred=True)
READERS: dict[str, Callable[[Any], Any]] = {
    "network": lambda data: open_sample(data, LABEL),
    "prediction": lambda data: open_sample(
        data, replace(LABEL, y=None, columns=list(data.columns)[1:], kind=Unobserved())
    ),
    "family": lambda data: open_sample(
        data, Roles(y="c0", columns=[f"c{k}" for k in range(1, len(data.columns) - 1)])
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_calls_grow_with_the_columns_and_not_with_their_square(library: Any, reader: str) -> None:
    few, many = (library(_columns(count)) for count in (50, 400))
    READERS[reader](few)  # imports and caches
    calls = [_calls(lambda data=data: READERS[reader](data)) for data in (few, many)]  # type: ignore[misc]
    # eight times the columns: 8 times the calls and a constant, where the square has 64 times
    assert calls[1] < 10 * calls[0], calls


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_names_of_a_wide_file_are_compared_once(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import kullback.data.checks as checks

    path = tmp_path / f"wide.{ending}"
    table = pd.DataFrame(_columns(300))
    if ending == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    single: list[str] = []
    of_one = checks.check_column

    def counted(name: Any, *others: Any, **named: Any) -> str:
        single.append(name)
        return of_one(name, *others, **named)

    # a look-up of one name compares it with all others, so only a few names may take one
    for module in [m for n, m in sys.modules.items() if n.startswith("kullback.")]:
        if hasattr(module, "check_column"):
            monkeypatch.setattr(module, "check_column", counted)
    sample = open_sample(str(path), LABEL)
    assert len(sample.fields) == 301
    names = [f"c{k}" for k in range(300)]
    open_sample(str(path), replace(LABEL, y=None, columns=names, kind=Unobserved()))
    assert len(single) <= 4


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_a_wide_frame_gives_what_an_array_gives(library: str) -> None:
    values = np.random.default_rng(1).standard_normal((40, 300))
    y = (values[:, 0] > 0.0).astype(int)
    columns = {f"x{k}": values[:, k] for k in range(300)}
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}[library]
    model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1))
    solver = kl.Minibatch(epochs=2)
    of_array = kl.fit(model, values, y, solver=solver)
    of_frame = kl.fit(model, make(columns), y, solver=solver)
    p = of_array.predict_proba(values)
    np.testing.assert_array_equal(of_frame.predict_proba(make(columns)), p)
    # by name: the columns in another order are the same columns
    names = list(columns)[::-1]
    np.testing.assert_array_equal(
        of_frame.predict_proba(make({name: columns[name] for name in names})), p
    )
