"""A Series' own name in reports and messages, as if it were a column of a table."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import kullback as kl
from kullback._core.errors import DataError
from kullback.data import Roles, open_sample
from kullback.data.series_names import name_of, names_of_two

LOSS = [1.5, 2.0, 4.0, 3.25, 0.5]
TABLE = {"loss": LOSS, "n": [1, 2, 1, 1, 3], "bad": [1, -1, 1, 1, 1], "class": list("abbab")}
FRAMES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
}


@pytest.fixture(params=FRAMES)
def frame(request: pytest.FixtureRequest) -> Any:
    """The table of a library."""
    return FRAMES[request.param](TABLE)


def refused(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """The message of the error."""
    with pytest.raises(DataError) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_a_fit_to_a_series_names_its_outcome(frame: Any) -> None:
    by_name = kl.fit(kl.Gamma(), frame, "loss")
    fit = kl.fit(kl.Gamma(), frame["loss"])
    assert fit.sample_info.label == by_name.sample_info.label == 'column "loss"'
    assert str(fit.summary()).splitlines()[0] == str(by_name.summary()).splitlines()[0]
    assert fit.params == by_name.params
    assert refused(kl.fit, kl.Gamma(), frame["class"]).startswith('column "class" holds text; row')


def test_weights_in_a_series_are_named(frame: Any) -> None:
    weighted = kl.fit(kl.Gamma(), frame["loss"], weights=frame["n"])
    assert weighted.params == kl.fit(kl.Gamma(), frame, "loss", weights="n").params
    said = refused(kl.fit, kl.Gamma(), frame["loss"], weights=frame["bad"])
    assert said.startswith('1 negative value in the weight column "bad": row 1 (-1.0).')
    assert said == refused(kl.fit, kl.Gamma(), frame, "loss", weights="bad")
    assert refused(kl.fit, kl.Gamma(), frame["loss"], weights=frame["n"][:3]) == (
        'column "loss" has 5 rows and the weight column "n" has 3; every row needs a value of each'
    )


def test_estimates_from_series_name_their_columns(frame: Any) -> None:
    counted = kl.estimate_entropy(frame["n"])
    assert counted.assumptions == kl.estimate_entropy(frame, "n").assumptions
    assert any('column "n" holds whole numbers only' in note for note in counted.assumptions)
    rng = np.random.default_rng(4)
    columns = {"age": rng.normal(size=60).tolist(), "sex": ["f", "m", "m"] * 20}
    other = type(frame)(columns)
    shared = kl.estimate_mutual_information(other["age"], other["sex"])
    by_name = kl.estimate_mutual_information("age", "sex", other)
    assert (shared.value, shared.assumptions) == (by_name.value, by_name.assumptions)
    assert 'column "sex" holds labels' in shared.assumptions
    assert refused(kl.estimate_mutual_information, frame["loss"], other["age"]) == (
        'column "loss" has 5 rows and column "age" 60: the rows of both have to belong together, '
        "one by one"
    )


def test_an_evaluation_names_its_label_and_weights(frame: Any) -> None:
    q = np.full((5, 2), 0.5)
    assert kl.evaluate(q, y=frame["class"]).label == "class"
    assert kl.evaluate(q, y=list(TABLE["class"])).label == "y"
    said = refused(kl.evaluate, q, y=frame["class"], weights=frame["bad"])
    assert said == 'column "bad" must be finite and at least 0: row 1 (-1.0)'


def test_an_outcome_beside_covariates_is_named(frame: Any) -> None:
    x = np.arange(5.0)[:, None]
    sample = open_sample(x, Roles(frame["class"], columns=None, outcome="label", inferred=True))
    assert (sample.label, sample.levels) == ('column "class"', ("a", "b"))
    roles = Roles(frame["loss"], columns=None, inferred=True)
    assert refused(open_sample, x[:3], roles) == (
        'column "loss" has 5 rows and column "x0" has 3; every row needs a value of each'
    )
    roles = Roles(frame["class"], columns=None, inferred=True)
    assert refused(open_sample, x, roles).startswith('column "class" holds text')
    # weights named by their column keep that name beside an outcome
    for y in ("loss", frame["loss"]):
        said = refused(open_sample, frame, Roles(y, "bad", columns=["n"], inferred=True))
        assert said.startswith('1 negative value in the weight column "bad": row 1 (-1.0).')


NAMELESS = {
    "pandas": pd.Series(LOSS),
    "polars": pl.Series(LOSS),
    "array": np.array(LOSS),
    "list": LOSS,
    "a field called name": np.rec.array([(1.0,)], dtype=[("name", float)]),
    "a column called name": pd.DataFrame({"name": LOSS}),
}


@pytest.mark.parametrize("library", NAMELESS)
def test_without_a_name_the_outcome_is_y(library: str) -> None:
    data = NAMELESS[library]
    assert name_of(data) is None
    if "called" not in library:
        assert open_sample(data).label == "y"
        assert kl.fit(kl.Gamma(), data).sample_info.label == "y"


def test_names_that_are_not_text() -> None:
    frame = pd.DataFrame(np.ones((2, 2)))
    assert open_sample(frame[1]).label == open_sample(frame, Roles(y="1")).label == 'column "1"'
    assert name_of(pd.Series(LOSS, name=("a", "b"))) == "('a', 'b')"


def test_two_series_of_one_name_are_x_and_y() -> None:
    first, second = pd.Series(LOSS, name="loss"), pl.Series("loss", LOSS)
    assert names_of_two(first, second) == ("x", "y")
    assert names_of_two(first, LOSS) == ("loss", "y")
    assert names_of_two(pd.Series(LOSS, name="y"), LOSS) == ("x", "y")
