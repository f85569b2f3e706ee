"""What kullback exports is documented, and importing it loads nothing heavy."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kullback
from kullback._core import other_names

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"

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
    assert set(other_names._OURS.values()) <= set(kullback.__all__)
    assert not set(other_names._OURS) & set(kullback.__all__)


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
        f"docs/reference.md does not mention `{name}`"
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
