"""What kullback exports is documented, and importing it loads nothing heavy."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kullback

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"

# Libraries that only some users need, and that cost more to import than the rest of kullback.
LAZY = ["dask", "matplotlib", "pandas", "polars", "pyarrow", "rich", "sklearn", "typer"]
# A part of JAX that costs a tenth of importing kullback beside JAX, and that nothing here needs.
LAZY += ["jax._src.pallas"]


def test_all_is_sorted_out():
    exported = kullback.__all__
    assert exported, "kullback exports nothing"
    assert len(set(exported)) == len(exported), "a name is exported twice"
    missing = [name for name in exported if not hasattr(kullback, name)]
    assert not missing


def test_nothing_public_is_left_out_of_all():
    public = {
        name
        for name, value in vars(kullback).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert public <= set(kullback.__all__)


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


def test_import_loads_nothing_heavy():
    # A new process, because this one has loaded all of them for the tests.
    code = f"import sys, kullback; print([m for m in {LAZY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert done.stderr == "", "importing kullback printed something"
