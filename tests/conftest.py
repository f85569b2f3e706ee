"""Type checks at run time, how Hypothesis draws its examples, and a command run in this process."""

import os
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
