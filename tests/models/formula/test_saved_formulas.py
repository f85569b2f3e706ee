"""Saved fits with formulas: what they hold, and what an edited file is refused for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kullback as kl

ROWS = 80
RNG = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "x": RNG.uniform(1.0, 4.0, ROWS),
        "g": np.array(["north", "south", "west"])[RNG.integers(0, 3, ROWS)],
        "k": RNG.integers(1, 4, ROWS),
        "flag": RNG.random(ROWS) < 0.5,
        "n": RNG.uniform(1.0, 9.0, ROWS),
    }
)
FRAME["c"] = pd.Categorical(np.where(RNG.random(ROWS) < 0.5, "lo", "hi"), categories=["lo", "hi"])
FRAME["y"] = RNG.poisson(FRAME["n"] * np.exp(0.2 * FRAME["x"]))
FRAME["kind"] = np.array(["a", "b", "c"])[RNG.integers(0, 3, ROWS)]

MODELS: dict[str, tuple[kl.Model, str]] = {
    "levels": (kl.NegativeBinomial(mean="~ g*x + flag + c", size="~ C(k)"), "y"),
    "learned": (kl.Poisson(rate="~ bs(x, df=4) + poly(n, 2) + scale(x):g - 1"), "y"),
    "learned twice": (kl.Normal(loc="~ I(center(x)**2) + bs(log(scale(n) + 9), df=4)"), "y"),
    "everything": (kl.Normal(loc="~ . - kind - n"), "y"),
    "options": (
        kl.Poisson(rate=kl.Formula("~ cs(x, df=2)", exposure="n", penalty=kl.Ridge(0.1))),
        "y",
    ),
    "link": (kl.Poisson(rate=kl.Formula("~ x", link="sqrt")), "y"),
    "known column": (kl.Normal(loc="~ x", scale="n"), "y"),
    "logits": (kl.Categorical(logits="~ x + flag"), "kind"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_fit_predicts_the_same(name: str, tmp_path: Path) -> None:
    model, y = MODELS[name]
    fit = kl.fit(model, FRAME, y)
    assert fit.convergence.converged
    fit.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    assert loaded == fit
    assert repr(loaded.form) == repr(fit.form)
    few = FRAME.iloc[:7]
    expected = fit.predict_params(few)
    for parameter, values in loaded.predict_params(few).items():
        np.testing.assert_array_equal(values, expected[parameter])
    again = kl.fit(loaded.form, FRAME, y)  # its levels and knots are known
    assert again.cross_entropy == pytest.approx(fit.cross_entropy, rel=1e-12)


def edited(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    document = json.loads(path.read_text())
    change(document["model"]["sources"])
    path.write_text(json.dumps(document))
    return path


EDITS: dict[str, tuple[str, Callable[[dict[str, Any]], Any], str]] = {
    "another function": (
        "levels",
        lambda s: s["mean"].update(text="~ __import__('os').system('true')"),
        "__import__ is not a name",
    ),
    "an attribute": ("levels", lambda s: s["mean"].update(text="~ x.__class__"), "attribute|name"),
    "unsorted levels": (
        "levels",
        lambda s: s["mean"]["columns"]["g"]["levels"].reverse(),
        "mean.columns.g.levels",
    ),
    "repeated levels": (
        "levels",
        lambda s: s["mean"]["columns"]["g"].update(levels=["north", "north", "west"]),
        "mean.columns.g.levels",
    ),
    "a missing level": (
        "levels",
        lambda s: s["mean"]["columns"]["g"]["levels"].pop(),
        "numbers|coefficients|size",
    ),
    "levels of two types": (
        "levels",
        lambda s: s["mean"]["columns"]["g"].update(levels=[1, "south", "west"]),
        "mean.columns.g",
    ),
    "a missing knot": (
        "learned",
        lambda s: s["rate"]["learned"]["bs(x, df=4)"][0].pop(),
        "bs(x, df=4) cannot have learned these numbers",
    ),
    "a knot that is no number": (
        "learned",
        lambda s: s["rate"]["learned"]["bs(x, df=4)"][0].__setitem__(0, "inf"),
        "bs(x, df=4) cannot have learned these numbers",
    ),
    "an inner mean that is no number": (
        "learned twice",
        lambda s: s["loc"]["learned"]["scale(n)"][0].__setitem__(0, "nan"),
        "scale(n) cannot have learned these numbers",
    ),
    "an inner mean that is missing": (
        "learned twice",
        lambda s: s["loc"]["learned"].pop("center(x)"),
        "loc.learned",
    ),
    "unlearned": ("learned", lambda s: s["rate"].update(learned={}), "rate.learned"),
    "a missing column": ("learned", lambda s: s["rate"]["columns"].pop("x"), 'no column "x"'),
    "a needless column": (
        "learned",
        lambda s: s["rate"]["columns"].update(z=None),
        "rate.columns",
    ),
    "a link that does not exist": ("link", lambda s: s["rate"].update(link="cube"), "no link"),
    "a penalty below 0": ("options", lambda s: s["rate"].update(ridge=-1.0), "rate.ridge"),
    "an exposure of a real parameter": (
        "everything",
        lambda s: s["loc"].update(exposure=["n"]),
        "an exposure multiplies a parameter",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_file_is_refused_with_its_place(edit: str, tmp_path: Path) -> None:
    name, change, said = EDITS[edit]
    model, y = MODELS[name]
    path = tmp_path / "fit.json"
    kl.fit(model, FRAME, y).save(path)
    with pytest.raises(kl.KullbackError) as refused:
        kl.load(edited(path, change))
    assert any(part in str(refused.value) for part in said.split("|")), str(refused.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"g": ["east"]}, 'column "g" holds "east", which is not one of the categories'),
        ({"k": [9]}, 'column "k" holds 9, which is not one of the categories'),
    ],
)
def test_rows_that_the_fit_does_not_know_are_refused(rows: dict[str, Any], said: str) -> None:
    fit = kl.fit(*MODELS["levels"][:1], FRAME, "y")
    one = {**FRAME.iloc[:1].to_dict("list"), **rows}
    with pytest.raises(kl.DataError) as refused:
        fit.predict(one)
    assert str(refused.value).startswith(said)
    with pytest.raises(kl.DataError) as refused:
        kl.estimate_cross_entropy(fit.model, one, "y")
    assert str(refused.value).startswith(said)


def test_rows_in_which_a_term_has_no_value_are_refused() -> None:
    fit = kl.fit(kl.Normal(loc="~ log(x) + bs(scale(n), df=4)"), FRAME, "y")
    with pytest.raises(kl.DataError, match=r"^log\(x\) has no value in row 1 \(x=-1\)\.$"):
        fit.predict({"x": [1.0, -1.0], "n": [2.0, 2.0]})
    with pytest.raises(kl.DataError, match=r"^bs\(scale\(n\), df=4\) has no value in row 0 \(n=99"):
        fit.at({"x": [1.0], "n": [99.0]})
    assert np.isnan(fit.predict({"x": [np.nan], "n": [2.0]})).all()
