"""The documents are true: their code runs, their output is right, and every name in them exists.

The code of a document runs in the order of its blocks, in one namespace, in a folder of its own
that holds a copy of examples/, with warnings as errors; the tests that it defines run too. A block
that is a session (>>>) is checked like a doctest, and a ```text block right after a block of code
is checked against what that code printed. Other blocks (```console) are not run.
"""

import contextlib
import dataclasses
import doctest
import inspect
import io
import math
import re
import shutil
import tomllib
import warnings
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

import kullback
from kullback._core.arrays import float64
from kullback.models.family import Family
from kullback.models.model import Model
from kullback.models.source import Fixed
from kullback.results.convergence import Convergence

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference" / "index.md"
WRITTEN_BY_THE_SITE = {"_build", "names"}
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in DOCS.rglob("*.md") if not WRITTEN_BY_THE_SITE & set(path.parts)),
]
# The site's build executes the others.
PLAIN = [path for path in DOCUMENTS if "file_format: mystnb" not in path.read_text("utf-8")]


def of_path(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=of_path)


# ---- code and its output ---------------------------------------------------------------------


class Block(NamedTuple):
    """A fenced block: its language, its text, the line it begins on, and what it follows."""

    language: str
    text: str
    line: int
    follows: int | None


def blocks_of(text: str) -> list[Block]:
    found: list[Block] = []
    end = None
    for match in re.finditer(r"^```([^\n`]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        near = end is not None and not text[end : match.start()].strip()
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match[1], match[2], line, len(found) - 1 if near else None))
        end = match.end()
    return found


# A number with a point or an exponent; whole numbers are compared as text.
DECIMAL = re.compile(r"(?:\d+\.\d*|\.\d+)(?:e[-+]?\d+)?|\d+e[-+]?\d+")


def same_number(want: str, got: str) -> bool:
    """Equal to the digits shown, and never to more than 12: the last ones are the platform's."""
    mantissa, _, exponent = want.partition("e")
    shown = len(mantissa.partition(".")[2])
    last_digit = 10.0 ** (int(exponent or 0) - shown)
    return math.isclose(float(want), float(got), rel_tol=1e-12, abs_tol=last_digit)


class Checker(doctest.OutputChecker):
    """Compares numbers to the digits that the document shows."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        wanted, found = DECIMAL.findall(want), DECIMAL.findall(got)
        if len(wanted) == len(found):
            pairs = iter(zip(wanted, found, strict=True))

            def as_shown(_: re.Match[str]) -> str:
                shown, number = next(pairs)
                return shown if same_number(shown, number) else number

            got = DECIMAL.sub(as_shown, got)
        return super().check_output(want, got, optionflags)


FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def check_session(block: Block, path: Path, namespace: dict) -> None:
    session = doctest.DocTestParser().get_doctest(block.text, {}, path.name, str(path), block.line)
    session.globs = namespace  # get_doctest copies what it is given
    reports = io.StringIO()
    runner = doctest.DocTestRunner(Checker(), verbose=False, optionflags=FLAGS)
    runner.run(session, out=reports.write, clear_globs=False)
    assert runner.failures == 0, reports.getvalue()


def masked(output: str) -> str:
    """Blank what differs from run to run: seconds, and numbers that are rounding (below 1e-9)."""
    output = re.sub(r"\d+\.\d+ s\b", "# s", output)
    return re.sub(r"\d\.\d+e-(?:09|[1-9]\d+)", "#", output)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", PLAIN, ids=of_path)
@pytest.mark.usefixtures("folder")
def test_code_runs_and_prints_what_is_shown(path):
    namespace: dict = {"__name__": "__main__"}
    printed: dict[int, str] = {}
    for number, block in enumerate(blocks_of(path.read_text(encoding="utf-8"))):
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()) as output:
            warnings.simplefilter("error")
            if block.language == "python" and re.search(r"^>>> ", block.text, re.MULTILINE):
                check_session(block, path, namespace)
            elif block.language == "python":
                # empty lines before it, so that a traceback shows the document's own line
                code = compile("\n" * block.line + block.text, str(path), "exec")
                exec(code, namespace)
                printed[number] = output.getvalue()
                for name in re.findall(r"^def (test_\w+)\(\)", block.text, re.MULTILINE):
                    namespace[name]()
        if block.language == "text" and block.follows in printed:
            got = printed[block.follows]
            right = Checker().check_output(masked(block.text), masked(got), FLAGS)
            assert right, f"{path.name}, line {block.line}: the code before it printed\n{got}"


def test_a_wrong_output_is_found(tmp_path):
    block = Block("python", ">>> 0.1234567\n0.12346\n", 1, None)
    check_session(block, tmp_path, {})
    with pytest.raises(AssertionError, match="Expected"):
        check_session(block._replace(text=">>> 0.1234567\n0.12348\n"), tmp_path, {})
    with pytest.raises(AssertionError, match="Exception raised"):
        check_session(block._replace(text=">>> undefined\n1\n"), tmp_path, {})


# ---- names and places ------------------------------------------------------------------------


# A module that CONTRIBUTING and pyproject.toml give its place before it is written.
PROJECT = ROOT / "pyproject.toml"
CONFIGURATION = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
CONTRACTS = CONFIGURATION["tool"]["importlinter"]["contracts"]


@every_document
def test_names_exist(path):
    text = path.read_text(encoding="utf-8")
    own = set(re.findall(r"^class (\w+)", text, re.MULTILINE))  # that the document writes itself
    public = set(re.findall(r"\bkl\.(\w+)", text)) - own
    assert not {name for name in public if not hasattr(kullback, name)}
    known = {field.name for field in dataclasses.fields(kullback.Fit)} | set(dir(kullback.Fit))
    known |= {"json", "html"}  # files
    assert not {name for name in re.findall(r"\bfit\.(\w+)", text) if name not in known}


def is_there(file: str) -> bool:
    """Whether a path or a glob is there, from the root of the repository or of the package."""
    return any(any(root.glob(file.strip("/"))) for root in (ROOT, ROOT / "src" / "kullback"))


def is_a_name(dotted: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    module, _, name = dotted.rpartition(".")
    try:
        import_module(dotted)
    except ModuleNotFoundError:
        return bool(module) and is_a_name(module) and hasattr(import_module(module), name)
    return True


@pytest.mark.parametrize("path", [*DOCUMENTS, PROJECT], ids=of_path)
def test_places_exist(path):
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    links = [link for link in links if not WRITTEN_BY_THE_SITE & set(Path(link).parts)]
    assert not [link for link in links if not (path.parent / link).exists()]
    quote = '"' if path is PROJECT else "`"
    # with a folder, or with the ending of a file of the repository
    files = set(re.findall(rf"{quote}((?:[\w.-]+/)+[\w.*-]*){quote}", text))
    files |= set(re.findall(rf"{quote}([\w-]+\.(?:py|md|toml)){quote}", text))
    files |= set(re.findall(r"\b(?:src|tests|docs|benchmarks)/[\w/-]+(?:\.\w+)+", text))
    files -= {"src/kullback/models/positive/maxwell.py"}  # which CONTRIBUTING writes
    files = {file for file in files if not WRITTEN_BY_THE_SITE & set(Path(file).parts)}
    assert not [file for file in files if not is_there(file)]
    modules = set(re.findall(r"\bkullback(?:\.(?!py\b)\w+)+", text))
    assert not [module for module in modules if not is_a_name(module)]


# The endings of files with data: pictures and code are made here.
DATA_FILES = {
    ".csv",
    ".parquet",
    ".pq",
    ".json",
    ".tsv",
    ".txt",
    ".dat",
    ".npy",
    ".npz",
    ".xlsx",
    ".gz",
}
LICENCES = ROOT / "docs" / "data_licences.md"


def test_every_data_set_has_its_source_and_licence():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in LICENCES.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert all(len(row) == 4 and all(row) for row in rows)
    named = {row[0].strip("`") for row in rows}
    made = re.findall(r"`(tests/[^`]*\.json)`", LICENCES.read_text(encoding="utf-8"))
    made_here = {file for pattern in made for file in ROOT.glob(pattern)}
    there = {
        path
        for folder in ("src", "tests", "examples", "docs", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in DATA_FILES
        and path not in made_here
        and not {"__pycache__", "_build"} & set(path.parts)
    }
    assert {str(path.relative_to(ROOT)) for path in there} == named
    # the readme next to the data says the same
    name = "examples/data"
    text = (ROOT / name / "README.md").read_text(encoding="utf-8")
    assert all(f"`{Path(file).name}`" in text for file in named if file.startswith(name))


def test_the_contracts_name_modules():
    for contract in CONTRACTS:
        sources = [line.split(" -> ")[0] for line in contract.get("ignore_imports", [])]
        names = {re.sub(r"(\.\*+)+$", "", name) for name in sources}
        assert all(is_a_name(name) for name in names)
        for container in contract.get("containers", []):
            layers = set(re.findall(r"\w+", " ".join(contract["layers"]))) - {"__main__"}
            assert all(is_a_name(f"{container}.{layer}") for layer in layers)


def test_the_table_of_layers_is_that_of_the_contract():
    (layers,) = [
        [set(re.findall(r"\((\w+)\)", line)) - {"__main__"} for line in contract["layers"]]
        for contract in CONTRACTS
        if contract["type"] == "layers" and contract["containers"] == ["kullback"]
    ]
    layers = [layer for layer in layers if layer]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = text.split("\n| layer | duty |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
    assert [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in rows] == layers
    assert all(is_a_name(f"kullback.{name}") for layer in layers for name in layer)


def public_names(kind: type) -> set[str]:
    fields = {field.name for field in dataclasses.fields(kind)} if kind is not Model else set()
    return fields | {name for name in vars(kind) if not name.startswith("_")}


# What a user of a distribution does not need: the structure that kl.fit works with.
INNER = re.compile(
    r"row_\w+|parameters|sources|with_sources|bind|vector|fixed_at|structure|columns|discrete"
    r"|draw|moment|quantiles_at|starts|caution|name|support|outcome|order_statistics|dimensions|limits"
    r"|linear|by_predictors|fixed_by_default|exponential_form|basis_functions|saturated_form|penalised"
)


@pytest.mark.parametrize("kind", [kullback.Fit, Convergence, Model], ids=lambda k: k.__name__)
def test_every_attribute_is_in_the_reference(kind):
    text = REFERENCE.read_text(encoding="utf-8")
    names = public_names(kind)
    if kind is Model:
        names = {name for name in names if not INNER.fullmatch(name)}
    assert len(names) > 5
    missing = [name for name in names if not re.search(rf"`(?:fit\.)?{name}\b[^`\n]*`", text)]
    assert not missing


@pytest.mark.parametrize("name", ["estimate_entropy", "estimate_kl", "estimate_mutual_information"])
def test_the_estimators_take_the_arguments_that_the_reference_lists(name):
    text = REFERENCE.read_text(encoding="utf-8").partition("## Estimates from samples")[2]
    table = text.partition("| argument | of | takes |")[2].partition("```")[0]
    listed = set()
    for row in table.splitlines()[2:]:
        if row.startswith("|"):
            names, of = row.split("|")[1:3]
            if of.strip() == "all" or f"`{name}`" in of:
                listed |= set(re.findall(r"`(\w+)`", names))
    parameters = inspect.signature(getattr(kullback, name)).parameters.values()
    taken = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY} - {"y"}
    assert listed == taken


# ---- the table of families -------------------------------------------------------------------

FAMILIES = {
    name: value
    for name in kullback.__all__
    if isinstance(value := getattr(kullback, name), type)
    and issubclass(value, Family)
    and value is not Family
}


def phrases(parameters, ordered=()) -> str:
    def written(name, support):
        phrase = support.phrase(name)
        code = f"`{name if phrase == f'any finite {name}' else phrase}`"
        return f"*{code}*" if name in ordered else code

    return ", ".join(written(name, support) for name, support in parameters.items())


def outcomes(kind) -> str:
    if "trials" in kind.required:  # the support depends on it
        return "y = 0, ..., trials"
    return kind.support.phrase("y")


def fitted_from(kind) -> str:
    """What a solver evaluates after the first pass, by the class's hooks."""
    ordered = {name for name in kind.order_statistics if name not in kind.fixed_by_default}
    if "trials" in kind.required or kind.support.whole:
        return "distinct outcomes"
    if ordered == set(kind.default_parameters):
        return "order statistics"
    if kind._statistics is None:
        return "rows"
    fixed = {name: {"minimum": 0.2, "median": 0.5}[kind.order_statistics[name]] for name in ordered}
    with float64():  # outcomes that are possible for every continuous family
        values = jnp.asarray([0.2, 0.5, 0.6, 0.9])
        means = [float(np.mean(t)) for t in kind._statistics(values, jnp.asarray(0.5))]
    closed = kind._estimate is not None and kind._estimate(means, 0.5, fixed) is not None
    return "closed form" if closed else "statistics"


def expected_row(name: str) -> tuple[str, ...]:
    kind = FAMILIES[name]
    return (
        f"`{name}`",
        phrases(kind.default_parameters, kind.order_statistics),
        f"`{outcomes(kind)}`",
        "; or ".join(phrases(other.parameters) for other in kind.alternatives),
        fitted_from(kind),
    )


def documented_rows() -> dict[str, tuple[str, ...]]:
    section = REFERENCE.read_text(encoding="utf-8").split("\n## Families\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): tuple(cell.strip() for cell in row) for row in rows}


def test_the_table_lists_every_family_in_order():
    assert list(documented_rows()) == sorted(FAMILIES)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_the_table_says_what_the_code_says(name):
    assert documented_rows()[name] == expected_row(name)


# The convergence reports what a fit did; the families are one of each sort, so that few compile.
@pytest.mark.parametrize(
    ("name", "solver", "passes"),
    [
        ("Exponential", "closed form", 1),
        ("Pareto", "closed form", 1),
        ("Gamma", "closed form", 1),
        ("Beta", "Newton", 1),
        ("Geometric", "closed form", 1),
        ("NegativeBinomial", "Newton", 1),
        ("Uniform", "closed form", None),
        ("Weibull", "Newton", None),
    ],
)
def test_the_last_column_is_what_a_fit_does(name, solver, passes):
    x = [1.0, 2.0, 15.0] if fitted_from(FAMILIES[name]) == "distinct outcomes" else [0.2, 0.5, 0.9]
    convergence = kullback.fit(FAMILIES[name](), x).convergence
    assert convergence.solver == solver
    # one pass is the first pass; "rows" and "order statistics" evaluate the rows again
    assert convergence.passes == passes if passes else convergence.passes > 1


def test_families_without_an_entropy_are_named():
    without = [name for name, kind in FAMILIES.items() if kind._entropy is None]
    *names, last = (f"`{name}`" for name in sorted(without))
    sentence = f"{', '.join(names)} and {last} have no closed form of their entropy"
    assert sentence in " ".join(REFERENCE.read_text("utf-8").split())


def test_fixed_and_required_parameters_are_documented():
    text = REFERENCE.read_text(encoding="utf-8")
    for name, kind in FAMILIES.items():
        for parameter in kind.required:
            assert f"kl.{name}({parameter}=" in text
        if kind.fixed_by_default:
            assert f"`kl.{name}()` has" in text
            sources = kind().sources
            assert all(isinstance(sources[p], Fixed) for p in kind.fixed_by_default)
