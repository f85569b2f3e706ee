"""What kullback exports is documented, and importing it loads nothing heavy."""

import ast
import builtins
import copy
import errno
import inspect
import pickle
import pydoc
import re
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest

import kullback
from kullback._core import other_names as library_names
from kullback.models import other_names

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "index.md"

STUB = Path(kullback.__file__).with_suffix(".pyi")

# Libraries that only some users need, and that cost more to import than the rest of kullback.
LAZY = ["dask", "matplotlib", "pandas", "polars", "pyarrow", "rich", "sklearn", "typer"]
# A part of JAX that costs a tenth of the time to import JAX, and that nothing here needs.
LAZY += ["jax._src.pallas"]
# What every fit needs, but `import kullback`, `kullback --help` and a mistyped option do not.
HEAVY = ["jax", "numpy", "scipy"]


def test_all_is_sorted_out():
    exported = kullback.__all__
    assert exported, "kullback exports nothing"
    assert len(set(exported)) == len(exported), "a name is exported twice"
    missing = [name for name in exported if not hasattr(kullback, name)]
    assert not missing


# Errors that are always caught where they are raised, or are turned into a public one.
CAUGHT = {
    "WrongError",
    "MissingError",
    "ScatteredError",
    "ConversionError",
    "GoneError",
    "UnsentError",
    "UntranslatableError",
    "_TooManyError",
    "NoPlaceError",
    "NotConvergedError",
    "UnknownEndError",
}


def test_every_error_that_reaches_a_user_is_public():
    sources = [path.read_text(encoding="utf-8") for path in STUB.parent.rglob("*.py")]
    classes = [n for text in sources for n in ast.walk(ast.parse(text)) if type(n) is ast.ClassDef]
    bases = {c.name: {b.id for b in c.bases if type(b) is ast.Name} for c in classes}
    errors = {name for name, value in vars(builtins).items() if _is_error(value)}
    while found := {n for n, of in bases.items() if of & errors} - errors:
        errors |= found
    errors &= bases.keys()
    assert {"KullbackError", "NoDensityError", "MissingFileError"} <= errors
    assert errors - set(kullback.__all__) == CAUGHT
    caught = " ".join(re.findall(r"except (.*):", "\n".join(sources)))
    assert not [n for n in CAUGHT - {"MissingError"} if n not in caught]  # it is a WrongError
    raised = set(re.findall(r"\braise (?:\w+\.)*(\w+Error)\b", "\n".join(sources)))
    assert all(hasattr(builtins, name) for name in raised - errors)


def _is_error(value):
    return isinstance(value, type) and issubclass(value, BaseException)


@pytest.mark.parametrize("name", ["nofile.json", "nofolder/model", "nofile.csv", "no/*.parquet"])
def test_a_missing_file_is_a_file_not_found_error(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    is_fit = name.endswith(("json", "model"))
    with pytest.raises(FileNotFoundError, match=re.escape(name)) as caught:
        kullback.load(name) if is_fit else kullback.fit(kullback.Normal(), name)
    error = pickle.loads(pickle.dumps(caught.value))
    for each in (caught.value, error):
        assert type(each) is kullback.MissingFileError
        assert isinstance(each, kullback.FileFormatError)
        assert each.errno == errno.ENOENT
        assert str(each) == str(caught.value)


def test_a_missing_folder_is_a_file_not_found_error(tmp_path):
    fit = kullback.fit(kullback.Poisson(), [1.0, 2.0])
    with pytest.raises(FileNotFoundError, match=r"fit\.json cannot be written: No such file"):
        fit.save(tmp_path / "none" / "fit.json")
    model = kullback.Categorical(logits=kullback.MLP(hidden=(2,), members=1))
    solver = kullback.Minibatch(epochs=1, checkpoint=tmp_path / "none" / "training.ckpt")
    x = np.arange(40.0)[:, None]
    with pytest.raises(FileNotFoundError, match=r"training\.ckpt: the folder .* does not exist"):
        kullback.fit(model, x, x[:, 0] > 20.0, solver=solver)
    solver, table = kullback.Minibatch(held_out="held.csv"), {"x": x[:, 0], "y": x[:, 0] > 20.0}
    with pytest.raises(FileNotFoundError, match=r'there is no file "held\.csv"'):
        kullback.fit(model, table, "y", solver=solver)


def test_dir_lists_the_public_names_only():
    assert dir(kullback) == sorted(kullback.__all__)
    assert not [name for name in dir(kullback) if name.startswith("_")]


def test_the_stub_names_where_each_name_is_defined():
    # a re-export by way of another module would load that one too
    names = {n: getattr(kullback, n) for n in kullback.__all__}
    stub = ast.parse(STUB.read_text(encoding="utf-8"))
    homes = {
        alias.name: f"kullback.{node.module}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert homes.keys() == names.keys()
    assert {n: v.__module__ for n, v in names.items()} == homes


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("GEV", "GeneralizedExtremeValue"),
        ("Lognormal", "LogNormal"),
        ("norm", "Normal"),  # SciPy
        ("genpareto", "GeneralizedPareto"),
        ("Student", "StudentT"),  # R, PyTorch
        ("rel_entr", "kl_divergence"),
        ("jensenshannon", "jensen_shannon"),
        ("log_loss", "evaluate"),  # scikit-learn
    ],
)
def test_names_of_other_libraries_name_ours(theirs, ours):
    with pytest.raises(
        AttributeError, match=rf"kullback has no '{theirs}': use kullback\.{ours}\."
    ):
        getattr(kullback, theirs)
    assert not hasattr(kullback, theirs)


def test_every_translation_is_a_public_name():
    assert set(library_names._OURS.values()) <= set(kullback.__all__)
    assert not set(library_names._OURS) & set(kullback.__all__)


def test_an_unknown_name_gets_no_advice():
    with pytest.raises(AttributeError, match=r"^kullback has no 'qwertz'\.$"):
        kullback.qwertz  # noqa: B018


@pytest.mark.parametrize("name", kullback.__all__)
def test_exported_name_has_a_docstring(name):
    value = getattr(kullback, name)
    if not callable(value):
        return  # a constant is documented in the reference alone
    # The class's own: inspect.getdoc would accept a base class's, and a dataclass without one is
    # given its signature.
    own = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    assert own, f"kullback.{name} has no docstring"
    assert not own.startswith(f"{name}("), f"kullback.{name} has no docstring of its own"
    if not inspect.isclass(value) and inspect.signature(value).parameters:
        assert "Args:" in own, f"kullback.{name} takes arguments that its docstring does not list"


@pytest.mark.parametrize("name", kullback.__all__)
def test_exported_name_is_in_the_reference(name):
    text = REFERENCE.read_text(encoding="utf-8")
    # In code font, with or without the prefix and what follows it: `Gamma`, `kl.fit(...)`.
    assert re.search(rf"`(?:kl\.)?{re.escape(name)}\b[^`\n]*`", text), (
        f"docs/reference/index.md does not mention `{name}`"
    )


@pytest.mark.parametrize(
    ("statement", "absent"),
    [("import kullback", LAZY + HEAVY), ("import kullback; kullback.fit; kullback.Gamma", LAZY)],
)
def test_import_loads_nothing_heavy(statement, absent):
    # A new process, because this one has loaded all of them for the tests.
    code = f"import sys; {statement}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert done.stderr == "", "importing kullback printed something"


# ---- what a user sees of a model -----------------------------------------------------------------

USED = re.findall(
    r"\w+",
    """log_density density log_cdf cdf log_survival survival hazard cumulative_hazard quantile
    sample mean variance entropy
    parameters params name support sources""",
)
HOOKS = re.findall(
    r"\w+",
    """row_log_density row_log_density_inside row_log_cdf row_log_survival row_quantile starts
    caution moment draw vector structure statistics sums quick_sums closed_form write_basis
    basis_derivatives to_default from_default with_sources bind fixed_at default_parameters
    alternatives fixed_by_default required order_statistics limits basis""",
)
MODELS = [
    value
    for value in (getattr(kullback, name) for name in kullback.__all__)
    if inspect.isclass(value) and issubclass(value, kullback.Model)
]


class HalfLife(kullback.Family):
    """A family of a user's, with a method that the library does not know."""

    default_parameters = kullback.Exponential.default_parameters
    support = kullback.Exponential.support

    @staticmethod
    def _log_density(x, rate):
        return kullback.Exponential._log_density(x, rate)

    def half_life(self):
        return 0.6931471805599453 / self.params["rate"]


@pytest.mark.parametrize("kind", MODELS)
def test_dir_of_a_model_class_lists_what_users_call(kind):
    public = [name for name in dir(kind) if not name.startswith("_")]
    assert len(public) <= 20
    assert not set(HOOKS) & set(public)
    assert set(USED) - {"sources"} <= {*public, "support"}  # Binomial's is a property


@pytest.mark.parametrize(
    "model",
    [
        kullback.Gamma(shape=2.0, rate=1.0),
        kullback.Binomial(trials=3, probability=0.5),
        kullback.Categorical(probabilities=[0.5, 0.5]),
    ],
)
def test_dir_of_a_model_lists_what_users_call(model):
    public = [name for name in dir(model) if not name.startswith("_")]
    assert len(public) <= 20
    assert set(USED) <= set(public)
    assert not set(HOOKS) & set(public)


def test_dir_lists_the_methods_that_a_user_adds():
    public = [name for name in dir(HalfLife(rate=1.0)) if not name.startswith("_")]
    assert set(public) == {*USED, "half_life"}


def test_hooks_in_the_list_above_exist():
    missing = [name for name in HOOKS if not hasattr(kullback.Gamma(shape=2.0, rate=1.0), name)]
    assert not missing


@pytest.mark.parametrize("thing", [kullback.Gamma, kullback.Gamma(shape=2.0, rate=1.0)])
def test_help_of_a_model_shows_what_users_call(thing):
    text = pydoc.render_doc(thing, renderer=pydoc.plaintext)
    for name in USED:
        assert name in text or name == "sources"  # an attribute of instances
    for name in HOOKS:
        assert not re.search(rf"^ \|  {name}\b", text, re.MULTILINE), name
    assert "Gamma(*, shape=None, rate=None, scale=None, mean=None, dispersion=None)" in text
    assert len(text.splitlines()) <= 140


def _annotated():
    """Every exported class and function, and the public methods of the classes."""
    for name in kullback.__all__:
        value = getattr(kullback, name)
        yield name, value
        for member in dir(value) if inspect.isclass(value) else ():
            found = inspect.getattr_static(value, member)
            found = getattr(found, "__func__", getattr(found, "fget", found))
            found = getattr(found, "func", found)  # a cached property
            if not member.startswith("_") and inspect.isfunction(found):
                yield f"{name}.{member}", found


def test_annotations_are_types_at_run_time():
    names = []
    for name, value in _annotated():
        names.append(name)
        try:
            typing.get_type_hints(value)
        except NameError as error:  # a type that is imported for type checkers alone
            pytest.fail(f"{name}: {error}")
    assert {"fit", "Gamma.log_density", "Fit.summary", "ProgressBar.view"} <= set(names)


# ---- the names of other libraries ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pdf", "Gamma has no pdf: use density."),
        ("pmf", "Gamma has no pmf: use density."),
        ("logpdf", "Gamma has no logpdf: use log_density."),
        ("log_prob", "Gamma has no log_prob: use log_density."),
        ("ppf", "Gamma has no ppf: use quantile."),
        ("isf", "Gamma has no isf: use quantile(1 - u)."),
        ("rvs", "Gamma has no rvs: use sample."),
        ("sf", "Gamma has no sf: use survival."),
        ("logsf", "Gamma has no logsf: use log_survival."),
        ("std", "Gamma has no std: use the square root of variance()."),
        ("var", "Gamma has no var: use variance."),
        ("fit", "Gamma has no fit: use kl.fit(model, data)."),
    ],
)
def test_a_method_of_another_library_is_translated(name, message):
    model = kullback.Gamma(shape=2.0, rate=1.0)
    for owner in (model, kullback.Gamma):
        with pytest.raises(AttributeError) as caught:
            getattr(owner, name)
        assert str(caught.value) == message
        assert not hasattr(owner, name)


def test_other_unknown_attributes_get_pythons_own_message():
    with pytest.raises(AttributeError, match="'Gamma' object has no attribute 'densty'") as caught:
        _ = kullback.Gamma().densty
    assert caught.value.name == "densty"  # from which Python suggests "density"
    with pytest.raises(AttributeError, match="type object 'Gamma' has no attribute 'densty'"):
        _ = kullback.Gamma.densty


@pytest.mark.parametrize("model", [kullback.Gamma(shape=2.0), kullback.Categorical()])
def test_models_are_copied_and_pickled(model):
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(other) == repr(model)


@pytest.mark.parametrize(
    ("family", "given", "message"),
    [
        ("Normal", {"mu": 0}, "Normal has no parameter 'mu': use loc."),
        ("Normal", {"mu": 0, "sd": 1}, "Normal has no parameters 'mu' or 'sd': use loc and scale."),
        ("Gamma", {"alpha": 2}, "Gamma has no parameter 'alpha': use shape."),
        ("Poisson", {"mu": 2}, "Poisson has no parameter 'mu': use rate."),
        ("Poisson", {"lambda_": 2}, "Poisson has no parameter 'lambda_': use rate."),
        ("StudentT", {"nu": 2}, "StudentT has no parameter 'nu': use df."),
        ("Binomial", {"size": 2}, "Binomial has no parameter 'size': use trials."),
        ("NegativeBinomial", {"prob": 0.5}, "NegativeBinomial has no parameter 'prob': use prob"),
        ("GeneralizedExtremeValue", {"c": 0.1}, "no parameter 'c': use shape = -c."),
        ("Categorical", {"probs": [0.5, 0.5]}, "Categorical has no parameter 'probs': use prob"),
        # not one of the usual names: the nearest one, and all that there are
        ("Normal", {"scael": 1}, "has no parameter 'scael'; did you mean \"scale\"? It has loc"),
        ("Categorical", {"x": 1}, "Categorical has no parameter 'x'. It has probabilities; or"),
    ],
)
def test_a_parameter_name_of_another_library_is_translated(family, given, message):
    with pytest.raises(kullback.ModelError, match=re.escape(message)):
        getattr(kullback, family)(**given)


def test_every_translated_parameter_exists():
    for family, names in other_names._PARAMETERS.items():
        kind = getattr(kullback, family)
        known = inspect.signature(kind).parameters
        for name, here in names.items():
            assert here.split(" = ")[0] in known, (family, name)
            assert name not in known, (family, name)


@pytest.mark.parametrize(
    ("family", "given", "message"),
    [
        ("Gamma", (2, 1), "Gamma takes its parameters by name: Gamma(shape=2, rate=1)."),
        ("Poisson", (3.5,), "Poisson takes its parameters by name: Poisson(rate=3.5)."),
        ("Uniform", (0, 1), "Uniform takes its parameters by name: Uniform(lower=0, upper=1)."),
        ("Normal", (1, 2, 3), "Normal takes its parameters by name: loc, scale."),
        ("Normal", ([1.0, 2.0],), "(loc, scale); to fit data use kl.fit(kl.Normal(), data)."),
        ("Categorical", ([0.5, 0.5],), "Categorical takes its parameters by name (probabilities)"),
    ],
)
def test_parameters_without_names_are_refused(family, given, message):
    with pytest.raises(kullback.ModelError, match=re.escape(message)):
        getattr(kullback, family)(*given)


def test_swish_is_called_silu():
    with pytest.raises(kullback.ModelError, match=r"Unknown activation 'swish': use \"silu\"\."):
        kullback.MLP(activation="swish")


def test_nothing_but_its_extra_needs_an_optional_library(tmp_path):
    # What `make demo` installs has none of these; a process in which they cannot be imported.
    extras = ["equinox", "optax", "safetensors", "matplotlib", "sklearn", "pandas", "polars"]
    table = tmp_path / "t.csv"
    table.write_text("loss\n1.5\n2.5\n4.0\n", encoding="utf-8")
    code = f"""
import sys
sys.modules.update(dict.fromkeys({extras!r}))
from kullback.cli import main
for arguments in (["families"], ["fit", {str(table)!r}, "--y", "loss", "--model", "gamma"]):
    sys.argv = ["kullback", *arguments]
    try:
        main()
    except SystemExit as end:
        assert end.code in (0, None), end.code
import kullback
assert all(hasattr(kullback, name) for name in kullback.__all__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Gamma" in done.stdout
