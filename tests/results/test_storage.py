"""Saved fits: every bit comes back, and any other content of a file gets a clear error.

Expected values are those of the fit before it was saved.
"""

import copy
import json
import os
import pickle
import random
import sys
from dataclasses import fields, replace
from datetime import date
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import kullback
from kullback import (
    Binomial,
    Categorical,
    Exponential,
    Family,
    Model,
    NegativeBinomial,
    Normal,
    Param,
    Pareto,
    Poisson,
    Weibull,
    fit,
    same_as,
)
from kullback._core.domains import POSITIVE
from kullback._core.errors import FileFormatError, KullbackError, ModelError
from kullback._core.lazy import Lazy
from kullback.models.linear import Linear
from kullback.models.registry import own_models
from kullback.models.source import Fixed
from kullback.results.fitted_model import FittedModel
from kullback.results.load import load
from kullback.results.save import VERSION, write

RANDOM = np.random.default_rng(20)
X = RANDOM.weibull(1.7, 200) * 3.0
COUNTS = RANDOM.poisson(2.5, 200).astype(float)
TABLE = {"x": X, "a": RANDOM.normal(size=200), "b": np.arange(200.0)}

# Each: a model and its data. Together they hold every kind of source, estimates on a bound, both
# sorts of parametrisation, a fixed number, class labels, weights, and a fit that did not converge.
CASES = {
    "free": lambda: fit(Weibull(), X),
    "fixed": lambda: fit(Weibull(shape=2.0), X),
    "all fixed": lambda: fit(Weibull(shape=2.0, scale=0.1 + 0.2), X),
    "param": lambda: fit(Weibull(shape=Param(start=1.5, lower=1.0, upper=np.float64(9.0))), X),
    "param without end": lambda: fit(Weibull(shape=Param(upper=np.inf)), X),
    "on a bound": lambda: fit(Weibull(shape=Param(upper=1.0)), X),
    "tie": lambda: fit(Weibull(shape=same_as("scale")), X),
    "other parametrisation": lambda: fit(Exponential(scale=Param(start=2.5)), X),
    "weights": lambda: fit(Weibull(), {"x": X, "w": np.arange(200) % 3 + 0.1}, "x", weights="w"),
    "order statistic": lambda: fit(Pareto(), X + 1.0),
    "counts": lambda: fit(Poisson(), COUNTS),
    "required": lambda: fit(Binomial(trials=20), COUNTS),
    "diverges": lambda: fit(NegativeBinomial(), [2.0, 3.0, 2.0, 3.0, 2.0, 3.0]),
    "labels": lambda: fit(Categorical(), {"k": ["a", "inf", "ü\ud800", "a"]}, "k"),
    "numbers as labels": lambda: fit(Categorical(), np.array([0.5, 2.0, np.inf, 0.5, 2.0])),
    "linear": lambda: fit(Weibull(scale=Linear(("a", "b"))), TABLE, "x"),
    "linear without intercept": lambda: fit(
        Normal(loc=Linear(("b", "a"), intercept=False), scale=2.0), TABLE, "x"
    ),
    "intercept alone": lambda: fit(Weibull(scale=Linear(())), X),
    "logits": lambda: fit(Categorical(logits=[0.0, 1.0]), np.array([True, False, True])),
}


@pytest.fixture(scope="module")
def fits():
    return {name: make() for name, make in CASES.items()}


@pytest.fixture
def saved(tmp_path, fits):
    """A saved fit as a file and as the document in it."""
    path = tmp_path / "fit.json"
    write(fits["free"], path)
    return path, json.loads(path.read_text())


def same(a, b):
    """Equal in type, shape and every bit (of NaN only that it is NaN)."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, np.ndarray):
        assert a.shape == b.shape
        assert np.array_equal(a, b, equal_nan=True)
        assert np.array_equal(np.signbit(a), np.signbit(b))
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for left, right in zip(a, b, strict=True):
            same(left, right)
    elif isinstance(a, Lazy):
        same(a(), b())
    elif hasattr(a, "__dataclass_fields__"):
        for field in fields(a):
            same(getattr(a, field.name), getattr(b, field.name))
    else:
        assert a == b or (a != a and b != b)


@pytest.mark.parametrize("case", CASES)
def test_every_bit_comes_back(case, fits, tmp_path):
    before = fits[case]
    path = tmp_path / "fit.json"
    write(before, path)
    after = load(path)
    for part in ("evaluation", "convergence"):
        same(getattr(before, part), getattr(after, part))
    # of the rows only the estimates from them are stored
    same(before.without_data().sample_info, after.sample_info)
    assert isinstance(before, FittedModel)
    assert isinstance(after, FittedModel)
    same(dict(before.vector.on_bound), dict(after.vector.on_bound))
    assert after.vector.names == before.vector.names
    assert after.form.structure == before.form.structure
    assert [type(s) for s in after.form.sources.values()] == [
        type(s) for s in before.form.sources.values()
    ]
    same(before.params, after.params)
    same(before.stderr, after.stderr)
    same(before.interval(0.9), after.interval(0.9))
    same(before.covariance("sandwich"), after.covariance("sandwich"))
    same(
        (before.log_likelihood, before.aic, before.bic),
        (after.log_likelihood, after.aic, after.bic),
    )
    same(before.decomposition("bits"), after.decomposition("bits"))
    assert str(after.summary("bits")) == str(before.summary("bits"))
    assert repr(after.model) == repr(before.model)
    assert os.listdir(tmp_path) == ["fit.json"], "a temporary file is left over"


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_fit_equals_the_saved_one(case, fits, tmp_path):
    before = fits[case]
    before.save(tmp_path / "fit.json")
    for after in (load(tmp_path / "fit.json"), copy.deepcopy(before), copy.copy(before),
                  pickle.loads(pickle.dumps(before))):  # fmt: skip
        assert after == before
        assert before == after
        assert hash(after) == hash(before)
        assert after.model == before.model
        assert after.convergence == before.convergence
        assert after.decomposition() == before.decomposition()
    assert [name for name, other in fits.items() if other == before] == [case]


def test_fits_of_the_same_rows_are_equal_whatever_time_they_took():
    one, two = (fit(Weibull(), X) for _ in range(2))
    assert one == two
    assert one != fit(Weibull(), np.append(X, 1.0))
    assert one != fit(Weibull(), np.append(X[:-1], np.nextafter(X[-1], 9.0)))
    slow = replace(one, convergence=replace(one.convergence, run_seconds=9.0, compile_seconds=9.0))
    assert slow == one
    assert hash(slow) == hash(one)
    assert replace(one, convergence=replace(one.convergence, steps=99)) != one


def test_a_fit_differs_from_anything_else(fits):
    for other in (None, 1.0, "fit", fits["free"].params, X, [fits["free"]], fits["free"].model):
        assert (fits["free"] == other) is False
        assert (fits["free"] != other) is True


def test_models_are_equal_by_class_and_sources():
    assert Weibull(shape=2.0) == Weibull(shape=2)
    assert Weibull(shape=2.0) != Weibull(shape=2.5)
    assert Weibull(shape=2.0) != Weibull()
    assert Weibull(scale=same_as("shape")) != Weibull(shape=same_as("scale"))
    assert Exponential(scale=2.0) != Exponential(rate=2.0)
    assert Categorical(levels=["a", "b"]) != Categorical(levels=["b", "a"])
    assert len({Weibull(shape=2.0), Weibull(shape=2), Weibull(shape=3.0)}) == 2


def test_the_expected_information_comes_back(fits, tmp_path):
    write(fits["free"], tmp_path / "fit.json")
    same(fits["free"].covariance("expected"), load(tmp_path / "fit.json").covariance("expected"))


def test_a_loaded_fit_saves_the_same_file(saved, tmp_path):
    path, _ = saved
    load(path).save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_the_layout_of_a_file(saved):
    path, document = saved
    assert document["format"] == "kullback fit"
    assert document["version"] == VERSION == 2
    assert document["model"] == {
        "name": "Weibull",
        "sources": {"shape": {"source": "free"}, "scale": {"source": "free"}},
    }
    assert path.read_text().count("\n") == len(document) + 2, "a line for each part"
    assert list(document) == [
        "format", "version", "kullback", "model", "estimates", "on_bound", "evaluation", "sums",
        "sample", "convergence",
    ]  # fmt: skip
    old = {"certificate", "ledger", "seen", "held", "pinned", "natural", "layout", "guess", "floor"}
    assert not old & {part for place in places(document) for part in place}


def test_every_exported_model_can_be_named():
    exported = {
        name: value
        for name in kullback.__all__
        if isinstance(value := getattr(kullback, name), type) and issubclass(value, Model)
    }
    # a log-density is the user's own code
    bases = {"Family": Family, "Model": Model, "LogDensity": kullback.LogDensity}
    assert exported.items() - bases.items() <= own_models().items()
    assert not bases.keys() & own_models().keys()


# ---- fits that cannot be saved -----------------------------------------------------------------


class OwnExponential(Family):
    """The user's own, which takes the name of one of Kullback's."""

    name = "Exponential"

    default_parameters: ClassVar = {"rate": POSITIVE}
    support = POSITIVE

    @staticmethod
    def _log_density(x, rate):
        return jnp.log(rate) - rate * x


class Doubled(Fixed):
    """A source of the user's own."""

    def value(self, coefficients, row, parameters):  # noqa: ARG002
        return 2.0 * coefficients[0]


def test_models_and_sources_of_the_user_are_refused(fits, tmp_path):
    path = tmp_path / "fit.json"
    with pytest.raises(ModelError, match=r"Exponential is not one of Kullback's own models, and a"):
        replace(fits["free"], form=OwnExponential()).save(path)
    with pytest.raises(ModelError, match=r"^shape=2\.0 .*Doubled is not one of Kullback's own sou"):
        replace(fits["free"], form=Weibull(shape=Doubled(2.0))).save(path)
    assert not path.exists()


def test_labels_that_json_lacks_are_refused(tmp_path):
    labels = np.array([date(2020, 1, 1), date(2020, 1, 2)], dtype=object)
    with pytest.raises(ModelError, match=r"the class label .* of type date cannot be saved"):
        fit(Categorical(), {"k": labels}, "k").save(tmp_path / "fit.json")


def test_a_file_that_cannot_be_written(fits, tmp_path):
    for path in (tmp_path, tmp_path / "nowhere" / "fit.json", "/dev/null"):
        with pytest.raises(KullbackError, match=r"cannot be written: .+\."):
            write(fits["free"], path)
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(fits, tmp_path, monkeypatch):
    path = tmp_path / "fit.json"
    path.write_text("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KullbackError, match="No space left on device"):
        write(fits["free"], path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["fit.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")
def test_permissions_and_links_are_those_of_any_other_file(fits, tmp_path):
    (tmp_path / "link.json").symlink_to("real.json")
    write(fits["free"], tmp_path / "link.json")
    (tmp_path / "other").touch()
    assert (tmp_path / "link.json").is_symlink()
    real = tmp_path / "real.json"
    assert real.stat().st_mode == (tmp_path / "other").stat().st_mode


# ---- files that are not saved fits --------------------------------------------------------------


def refused(path):
    with pytest.raises(FileFormatError) as caught:
        load(path)
    said = str(caught.value)
    assert said.startswith(f"{path} is not a saved fit that can be read: "), said
    assert len(said) < len(str(path)) + 300, "the message repeats the file"
    return said.removeprefix(f"{path} is not a saved fit that can be read: ")


CONTENTS = [
    (b"", "it is empty."),
    (b" \n", "it is empty."),
    (b"\xff\xfe\x00", "it is not text."),
    (b"PAR1", "damaged, cut off, or not JSON (line 1"),
    (b"{", "damaged, cut off, or not JSON (line 1"),
    (b"[]", "it needs entries by name."),
    (b"null", "it needs entries by name."),
    (b"{}", '"format" is missing.'),
    (b'{"format": "other"}', '"format" needs \'kullback fit\', not "other".'),
    (b'{"format": 1}', '"format" needs a text, not 1.'),
    (b'{"a": 1, "a": 2}', "it holds an entry twice."),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"a":' * 100_000, "nested too deeply"),
    (b"[NaN]", "it holds NaN, which JSON lacks"),
    (b"[-Infinity]", "it holds -Infinity, which JSON lacks"),
    (b"[1e999]", "the number 1e999 is too large."),
    (b"[1" + b"0" * 9999 + b"]", "a number with too many digits"),
]


@pytest.mark.parametrize(("content", "said"), CONTENTS, ids=[said for _, said in CONTENTS])
def test_contents_that_are_not_a_saved_fit(content, said, tmp_path):
    path = tmp_path / "fit.json"
    path.write_bytes(content)
    assert said in refused(path)


def change(document, place, value):
    """The document with another value at a place; DELETE takes the entry away."""
    *way, last = place
    at = document
    for step in way:
        at = at[step]
    if value is DELETE:
        del at[last]
    else:
        at[last] = value


DELETE = object()
SOURCE = ("model", "sources", "shape")
CHANGES = [
    (("version",), 3, "reads version 2. Read it with a newer Kullback: git pull"),
    (("version",), 1, "reads version 2. Fit the model again and save it."),
    (("version",), True, '"version" needs a whole number, not true.'),
    (("version",), -1, '"version" needs a whole number of at least 0, not -1.'),
    (("model",), DELETE, '"model" is missing.'),
    (("model", "name"), "__class__", "'__class__' is not a model of Kullback's."),
    (("model", "name"), "Family", "'Family' is not a model of Kullback's."),
    (("model", "name"), "fit", "'fit' is not a model of Kullback's."),
    (("model", "name"), "os.system", "'os.system' is not a model of Kullback's."),
    (("model", "name"), "weibul", 'did you mean "Weibull"?'),
    (("model", "name"), "W" * 10**6, "is not a model of Kullback's"),
    (("model", "name"), "Poisson", '"model" does not make a model: Poisson has no parameter'),
    (("model", "name"), "Categorical", "Categorical needs class labels (sample.levels)."),
    (("model", "sources"), {}, '"model.sources" lacks scale, shape.'),
    (("model", "sources", "scale"), DELETE, '"model.sources" lacks scale.'),
    (("model", "sources", "__init__"), {"source": "free"}, "has no parameter '__init__'"),
    (SOURCE, "free", '"model.sources.shape" needs entries by name, not "free".'),
    (
        (*SOURCE, "source"),
        "eval",
        "needs free, fixed, param, linear, formula, function, column or same_as",
    ),
    (SOURCE, {"source": "fixed", "number": "2"}, "needs a number"),
    (SOURCE, {"source": "fixed", "number": "nan"}, '"model" does not make a model'),
    (SOURCE, {"source": "fixed", "number": -1.0}, "lies outside its domain"),
    (SOURCE, {"source": "fixed", "number": [[1.0], [2.0, 3.0]]}, "does not make a model"),
    (SOURCE, {"source": "fixed", "number": 10**400}, "is too large"),
    (SOURCE, {"source": "same_as", "other": "shape"}, "a tie needs another parameter"),
    (SOURCE, {"source": "param", "start": 1.0, "lower": 2.0, "upper": 1.0}, "Give lower < upper"),
    (("on_bound", "rate"), [1.0], '"on_bound.rate" is not a free coefficient.'),
    (("on_bound",), [], '"on_bound" needs entries by name.'),
    (("evaluation", "at"), [0.1], '"evaluation.at" needs 2 numbers and has 1.'),
    (("evaluation", "at"), ["nan", "nan"], '"estimates.shape" does not agree'),
    (("evaluation", "at"), [1e300, 1e300], '"estimates.shape" does not agree'),
    (("evaluation", "at", 0), None, '"evaluation.at[0]" needs a number.'),
    (("evaluation", "value"), "many", '"evaluation.value" needs a number, not "many".'),
    (("evaluation", "hessian"), [[1.0, 2.0], [3.0]], 'hessian[1]" needs 2 numbers and has 1.'),
    (("evaluation", "hessian"), [], '"evaluation.hessian" needs 2 rows and has 0.'),
    (("sums", "outer"), 1.0, '"sums.outer" needs a list, not 1.0.'),
    (("sums", "variance"), -1.0, '"sums.variance" needs a number that is not negative'),
    (("estimates", "shape"), [2.0], '"estimates.shape" does not agree with'),
    (("sample", "rows"), 1.5, '"sample.rows" needs a whole number, not 1.5.'),
    (("sample", "rows"), 10**300, '"sample.rows" needs a whole number of at least 0'),
    (("sample", "weight"), 0, '"sample.weight" needs a positive number, not 0.'),
    (("sample", "weight"), "nan", '"sample.weight" needs a positive number, not "nan".'),
    (("sample", "levels"), ["a", "b"], "Weibull does not take class labels (sample.levels)."),
    (("sample", "levels"), [None], '"sample.levels[0]" needs a text or a number.'),
    (("convergence", "converged"), 1, '"convergence.converged" needs true or false, not 1.'),
    (("convergence", "advice"), "none", '"convergence.advice" needs a list, not "none".'),
    (("convergence", "steps"), DELETE, '"convergence.steps" is missing.'),
]


@pytest.mark.parametrize(("place", "value", "said"), CHANGES, ids=[c[2] for c in CHANGES])
def test_entries_that_are_wrong(place, value, said, saved):
    path, document = saved
    change(document, place, value)
    path.write_text(json.dumps(document))
    assert said in refused(path)


def test_files_that_cannot_be_read(tmp_path):
    assert refused(tmp_path / "none.json") == "there is no such file."
    assert refused(tmp_path) == "it is not a regular file."
    assert refused("/dev/zero") == "it is not a regular file."
    assert "null byte" in refused("a\0b")
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "it is not a regular file."


def test_a_file_larger_than_any_fit_is_not_read(tmp_path):
    path = tmp_path / "fit.json"
    with open(path, "wb") as file:
        file.truncate(2**40)  # no block of it is on the disk
    assert "it is larger than any saved fit" in refused(path)


def test_a_file_cut_off_anywhere_is_refused(saved):
    path, _ = saved
    whole = path.read_bytes()
    for end in range(0, len(whole.rstrip()), 7):
        path.write_bytes(whole[:end])
        refused(path)


def test_no_change_of_a_file_gets_another_error(fits, tmp_path):
    """Files changed at random places to random values are refused, or are fits that print."""
    path = tmp_path / "fit.json"
    values = [
        DELETE, None, True, 0, -1, 10**30, 0.5, -2.5, 1e308, "", "inf", "nan", "-inf", "scale",
        "free", "Gamma", "Categorical", [], [[]], [0.0], [1.0, 2.0], [["nan"]], {}, {"a": 1},
        {"source": "free"}, {"source": "fixed", "number": [0.5, 0.5]}, {"float": "nan"},
    ]  # fmt: skip
    draw = random.Random(7)
    read = 0
    for case in ("free", "order statistic", "required", "labels", "diverges"):
        write(fits[case], path)
        text = path.read_text()
        for _ in range(150):
            document = json.loads(text)
            change(document, draw.choice(list(places(document))), draw.choice(values))
            path.write_text(json.dumps(document))
            try:
                found = load(path)
            except FileFormatError:
                continue
            with np.errstate(all="ignore"):
                assert "solver" in str(found.summary())
            read += 1
    assert read > 20, "the changes are all of the kind that is refused"


def places(value, way=()):
    """Every place in a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        yield (*way, key)
        if isinstance(item, dict | list):
            yield from places(item, (*way, key))


def test_a_linear_source_is_written_as_its_columns(tmp_path):
    source = Linear(("b", "a"), intercept=False)
    saved = fit(Normal(loc=source), TABLE, "x")
    path = tmp_path / "fit.json"
    saved.save(path)
    document = json.loads(path.read_text())
    assert document["model"]["sources"]["loc"] == {
        "source": "linear", "columns": ["b", "a"], "intercept": False, "coefficients": None,
    }  # fmt: skip
    # the loaded model has the same loss on rows, in any order of their columns
    rows = {name: TABLE[name] for name in ("b", "x", "a")}
    loss = kullback.estimate_cross_entropy(load(path).model, rows, "x")
    assert loss.value == pytest.approx(saved.cross_entropy, rel=1e-14)
    # a source whose coefficients are known: every number of the model is
    known = fit(saved.model, TABLE, "x")
    known.save(path)
    assert load(path) == known
    assert load(path).parameter_count == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"columns": "ab"}, r"columns"),
        ({"columns": [1.0]}, r"columns\[0\]|columns"),
        ({"columns": []}, "a linear source needs columns or an intercept"),
        ({"intercept": 1}, "intercept"),
        ({"coefficients": [1.0]}, "coefficients"),
        ({"coefficients": [1.0, "x"]}, "coefficients"),
    ],
)
def test_a_wrong_linear_source_is_refused(source, message, tmp_path):
    path = tmp_path / "fit.json"
    fit(Normal(loc=Linear(("b", "a"), intercept=False)), TABLE, "x").save(path)
    document = json.loads(path.read_text())
    document["model"]["sources"]["loc"] |= source
    path.write_text(json.dumps(document))
    with pytest.raises(FileFormatError, match=message):
        load(path)
