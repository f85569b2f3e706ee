"""Type checks at run time, how Hypothesis draws its examples, a browser, and a command run here."""

import ast
import functools
import inspect
import os
import re
import shutil
import sys
import types
import typing
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import Any

import numpy as np
import pytest
from beartype import BeartypeConf, beartype
from hypothesis import settings

# ---- type checks at run time ---------------------------------------------------------------------

_VIOLATION = BeartypeConf(violation_type=TypeError, is_color=False)
_Checks = tuple[Callable[..., Any], Callable[..., Any]]
_CHECKS: dict[int, tuple[types.CodeType, list[_Checks]]] = {}


def _hint(annotation: Any, function: Callable[..., Any]) -> Any:
    """The type that an annotation stands for; anything, where its name is not imported."""
    stub = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        hint = typing.get_type_hints(stub, function.__globals__, include_extras=True)["it"]
    except NameError:  # imported for mypy alone
        return Any
    bound = getattr(hint, "__bound__", None)  # of a TypeVar, by name, in the module that defines it
    if isinstance(bound, typing.ForwardRef):
        return getattr(sys.modules[hint.__module__], bound.__forward_arg__)
    return hint


def _checks(function: Callable[..., Any]) -> _Checks:
    """Functions that check what a function takes and what it returns."""
    hints = {name: _hint(each, function) for name, each in function.__annotations__.items()}
    bare = [  # names and kinds, and whether there is a default: a call without it is not checked
        each.replace(
            annotation=each.empty, default=each.empty if each.default is each.empty else None
        )
        for each in inspect.signature(function).parameters.values()
    ]
    made: dict[str, Any] = {}
    code = f"def takes{inspect.Signature(bare)}: pass\ndef gives(value): return value"
    exec(code, function.__globals__, made)
    made["gives"].__annotations__ = {"return": hints.pop("return", Any)}
    made["takes"].__annotations__ = hints
    for check in made.values():
        for name in ("__module__", "__name__", "__qualname__"):
            setattr(check, name, getattr(function, name))
    return beartype(made["takes"], conf=_VIOLATION), beartype(made["gives"], conf=_VIOLATION)


def checked(function: Any) -> Any:
    """Check a function's annotations at each call; of a data class, those of its fields.

    The checks are made at the first call: a third of the functions is never called in a test. All
    functions of one definition share them, such as those made in each call of another function.
    """
    if isinstance(function, type):
        init = vars(function).get("__init__")
        if hasattr(function, "__dataclass_fields__") and not hasattr(init, "__wrapped__") and init:
            function.__init__ = checked(init)
        return function
    _, checks = _CHECKS.setdefault(id(function.__code__), (function.__code__, []))

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if not checks:  # two threads may both add some, equal ones
            checks.append(_checks(function))
        takes, gives = checks[0]
        takes(*arguments, **options)
        return gives(function(*arguments, **options))

    return call


class _Checked(SourceFileLoader):
    """Loads a module with ``checked`` around each of its functions and classes."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> types.CodeType:
        tree = ast.parse(data)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                check = ast.copy_location(ast.Name("__checked__", ast.Load()), node)
                # innermost for a function, whose annotations others may hide; for a class the last
                place = 0 if isinstance(node, ast.ClassDef) else len(node.decorator_list)
                node.decorator_list.insert(place, check)
        code: types.CodeType = compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)
        return code

    def exec_module(self, module: types.ModuleType) -> None:
        vars(module)["__checked__"] = checked
        super().exec_module(module)

    # byte-code of its own, beside that of modules without checks
    def get_data(self, path: Any) -> bytes:
        return super().get_data(str(path).replace(".pyc", ".checked.pyc"))

    def set_data(self, path: Any, data: Any, *, _mode: int = 0o666) -> None:
        super().set_data(str(path).replace(".pyc", ".checked.pyc"), data, _mode=_mode)


class _Finder(MetaPathFinder):
    """Finds the modules of kullback, to be loaded with checks."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] != "kullback":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Checked(spec.loader.name, spec.loader.path)
        return spec


# Every annotation in kullback is checked at each call. The finder sees only modules imported after
# it, so nothing above this line may import kullback.
sys.meta_path.insert(0, _Finder())

# ---- examples, compiled code, browser, command line ----------------------------------------------

# deadline=None: the first example pays for a JAX compilation (0.2 to 1.3 s), so a time limit on one
# example would fail at random. In CI the examples are the same on every run.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled code in .pytest_cache, for all processes of this run and the later ones.

    A third to a half of the suite's time is compilation. Programs of the package's own models are
    kept under the digest of its sources; those of the tests' models by JAX, under the program with
    its shapes. `--cache-clear` empties both, `-p no:cacheprovider` disables them.
    """
    cache = getattr(config, "cache", None)
    os.environ.setdefault("KULLBACK_CACHE_DIR", str(cache.mkdir("compiled")) if cache else "")
    if cache is not None:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache.mkdir("compiled")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# no sandbox: in a container the tests may run as root, where Chromium's does not start
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def browser():
    """A real browser without a window, for the pages."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is on the path")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """Open a file in the browser; ``complaints`` and ``loads`` of the page record what it does."""

    def opened(file, **options):
        page = browser.new_page(**options)
        page.complaints, page.loads = [], []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("request", lambda request: page.loads.append(request.url))
        page.on("dialog", lambda dialog: (page.complaints.append("a dialog"), dialog.dismiss()))
        page.goto(file.as_uri())
        return page

    return opened


def _contrasts(page):
    """The contrast of each text with its ground (WCAG 2.2), by their colours."""
    colours = page.evaluate("""() => {
        const texts = [...document.querySelectorAll(
            "h1, h2, p, b, li, small, code, td, th, figcaption, svg text")];
        const shown = (e) => getComputedStyle(e);
        const above = (e) => e ? [...above(e.parentElement), shown(e).backgroundColor] : [];
        return texts.map((e) => [
            ...above(e), shown(e)[e instanceof SVGElement ? "fill" : "color"]]);
    }""")

    def channels(colour):  # red, green, blue and opacity, from 0 to 1
        numbers = np.array([float(part) for part in re.findall(r"[0-9.]+", colour)])
        numbers[:3] /= 1.0 if colour.startswith("color(") else 255.0
        return numbers[:3], numbers[3] if numbers.size > 3 else 1.0

    def luminance(c):
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    out = {}
    for *grounds, text in {tuple(each) for each in colours}:
        ground = np.ones(3)
        for colour, opacity in map(channels, grounds):
            ground = opacity * colour + (1.0 - opacity) * ground
        dark, light = sorted(map(luminance, (channels(text)[0], ground)))
        out[(*grounds, text)] = (light + 0.05) / (dark + 0.05)
    return out


@pytest.fixture
def check_page():
    """Check that a page overflows nowhere, loads nothing, and is readable and accessible."""

    def check(page):
        assert page.complaints == []
        assert [url for url in page.loads if not url.startswith(("file:", "data:"))] == []
        assert len(page.loads) == 1
        width = page.viewport_size["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for picture in page.locator("svg").all():
            assert picture.get_attribute("role") == "img"
            assert len(picture.get_attribute("aria-label")) > 20
            assert picture.evaluate("(image) => image.getBoundingClientRect().width") > 100
            assert picture.locator("text").count() > 2
        for box in page.locator(".wide").all():  # wider content scrolls; the keyboard reaches it
            assert box.get_attribute("tabindex") == "0"
            assert box.get_attribute("aria-label")
        for pair, contrast in _contrasts(page).items():
            assert contrast >= 4.5, pair  # level AA

    return check


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run a command line in the test file's `folder`: exit code, standard output and error."""
    from kullback import cli  # after the hook above

    monkeypatch.chdir(folder)
    # the process's JAX belongs to all tests: a test of its own looks at the cache
    monkeypatch.setattr(cli.process, "keep_compiled_code", lambda: None)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["kullback", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return left.value.code or 0, out, err

    return command
