"""Type checks at run time, how Hypothesis draws its examples, a browser, and a command run here."""

import os
import shutil
import sys

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Every annotation in kullback, shapes and dtypes included, is checked at each call. The hook sees
# only modules imported after it, so nothing above this line may import kullback.
install_import_hook("kullback", "beartype.beartype")

# deadline=None: the first example pays for a JAX compilation (0.2 to 1.3 s), so a time limit on one
# example would fail at random. In CI the examples are the same on every run.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


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
