"""Log-probabilities of censored and interval-censored rows, with both derivatives.

The expected values are mpmath's, of 90 digits, at the same doubles: interval_reference.json, which
make_interval_reference.py wrote. The intervals lie in the middle and in tails of e^-250, and are
from two ulps to almost everything wide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kullback as kl
from kullback._core.arrays import float64
from kullback._core.numpy_program import NumpyProgram
from kullback._core.operations import ROWS
from kullback.data.observation import Event, Observed
from kullback.objective.statistics import LossDerivatives

CASES = json.loads(Path(__file__).with_name("interval_reference.json").read_text())
FAMILIES = sorted({case["family"] for case in CASES})
# of value, score and Hessian, relative to the larger of 1 and the number
TOLERANCES = (1e-13, 1e-11, 1e-9)


def model_of(name: str) -> Any:
    family = getattr(kl, name)
    return family(**dict.fromkeys(family.required, 90.0))  # the number of trials of all cases


def formula_of(name: str, event: Event) -> tuple[Callable[..., list[Any]], int, int]:
    """Loss, score and lower triangle of the Hessian, how many free parameters and how many ends."""
    model = model_of(name)
    known = (*model.fixed_by_default, *model.required)
    kind, free = Observed(event), tuple(p not in known for p in model.parameters)
    names = kind.fields

    def formula(*inputs: Any) -> Any:
        row = dict(zip(names, inputs, strict=False))
        rows = LossDerivatives(model, free).rows(kind, inputs[len(names) :], row)
        d = sum(free)
        return [rows[1], *rows[3 : 3 + d + d * (d + 1) // 2]]

    return formula, len(free), len(names)


@cache
def program(name: str, event: Event) -> NumpyProgram:
    """The program of small samples."""
    return NumpyProgram(*formula_of(name, event))


def jets(name: str, event: Event, ends: np.ndarray, numbers: Sequence[float]) -> np.ndarray:
    """Loss, score and lower triangle of the Hessian, a row each."""
    if name == "VonMises":  # which NumPy does not evaluate
        formula, _, _ = formula_of(name, event)
        with float64():
            rows = jax.jit(formula)(*ends, *map(np.float64, numbers))
            return np.array([np.broadcast_to(v, ends.shape[1]) for v in rows]).T
    with np.errstate(all="ignore"):  # in the branches that a row does not take
        found = program(name, event).of_rows(*ends, *map(np.float64, numbers))
    return np.array([np.broadcast_to(v, ends.shape[1]) for v in found]).T


def check(ours: np.ndarray, case: Any) -> None:
    d = len(case["score"])
    parts = np.split(ours, [1, 1 + d])
    expected = [case["value"]], case["score"], case["hessian"]
    for part, right, tolerance in zip(parts, expected, TOLERANCES, strict=True):
        error = np.abs(part - right) / np.maximum(1.0, np.abs(right))
        assert error.max() <= tolerance, (case["parameters"], case["ends"], part.tolist(), right)


@pytest.mark.parametrize("name", FAMILIES)
def test_value_score_and_hessian(name: str) -> None:
    model = model_of(name)
    groups: dict[Any, list[Any]] = {}
    for case in CASES:
        if case["family"] == name:
            low, high = case["ends"]
            event = Event.LEFT if low is None else Event.RIGHT if high is None else Event.INTERVAL
            groups.setdefault((event, *case["parameters"].items()), []).append(case)
    for (event, *items), cases in groups.items():
        given = model.fixed_by_default | dict(items)
        ends = np.array([[e for e in case["ends"] if e is not None] for case in cases], float).T
        found = -jets(name, event, ends, [given[p] for p in model.parameters])
        for ours, case in zip(found, cases, strict=True):
            check(ours, case)


@pytest.mark.parametrize("name", ["Beta", "Gamma", "InverseGaussian", "StudentT"])
def test_loops_in_compiled_code(name: str) -> None:
    # between 16,384 and 131,072 rows NumPy runs what is around the loops, a tile at a time
    model = model_of(name)
    for event in (Event.RIGHT, Event.INTERVAL):
        formula, free, fields = formula_of(name, event)
        compiled = NumpyProgram(formula, free, fields, key=("reference", name, event))
        for numbers in {tuple(c["parameters"].items()) for c in CASES if c["family"] == name}:
            cases = [
                c
                for c in CASES
                if (c["family"], tuple(c["parameters"].items())) == (name, numbers)
                and c["ends"][0] is not None
                and (c["ends"][1] is None) == (event is Event.RIGHT)
            ]
            ends = np.array([c["ends"][:fields] for c in cases], float).T
            tile = np.pad(ends, ((0, 0), (0, ROWS - len(cases))), "edge")
            given = model.fixed_by_default | dict(numbers)
            arguments = [np.float64(given[p]) for p in model.parameters]
            with float64(), np.errstate(all="ignore"):
                found = compiled.of_rows(*tile, *arguments)
            rows = np.array([np.broadcast_to(v, ROWS) for v in found]).T
            for ours, case in zip(-rows, cases, strict=False):  # without the padding
                check(ours, case)


@pytest.mark.parametrize("name", ["Beta", "Gamma", "StudentT"])
def test_intervals_in_compiled_code(name: str) -> None:
    # alone a row is added up over as few nodes as it needs, beside others over as many as any needs
    formula, _, _ = formula_of(name, Event.INTERVAL)
    alone = jax.jit(lambda *inputs: jnp.hstack(formula(*inputs)))
    model = model_of(name)
    for case in CASES:
        if case["family"] == name and None not in case["ends"]:
            given = model.fixed_by_default | case["parameters"]
            numbers = [np.float64(given[p]) for p in model.parameters]
            with float64():
                found = alone(*(np.array([end]) for end in case["ends"]), *numbers)
            check(-np.asarray(found), case)
