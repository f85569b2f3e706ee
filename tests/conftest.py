"""Type checks at run time, how Hypothesis draws its examples, a browser, and a command run here."""

import functools
import os
import re
import shutil
import sys
from collections.abc import Callable
from typing import Any

import jaxtyping
import numpy as np
import pytest
from hypothesis import settings

# Every annotation in kullback, shapes and dtypes included, is checked at each call. The hook sees
# only modules imported after it, so nothing above this line may import kullback.
jaxtyping.install_import_hook("kullback", "beartype.beartype")


def once(make: Callable[..., Any]) -> Callable[..., Any]:
    """Keep what was made for equal arguments; make it again where they cannot be hashed."""
    kept = functools.lru_cache(maxsize=None)(make)

    def made(*arguments: Any, **options: Any) -> Any:
        try:
            return kept(*arguments, **options)
        except TypeError:
            return make(*arguments, **options)

    return made


# A function that is defined inside another gets its checks at each call of the outer one, a
# millisecond: a third of the time of an integral. They depend on the signature alone, so that the
# checks of the first call serve all others.
decorator, checkers = jaxtyping._decorator, jaxtyping._import_hook.Typechecker.lookup
decorator._make_fn_with_signature = once(decorator._make_fn_with_signature)
checkers.update({name: once(check) for name, check in checkers.items()})

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
