"""Temporary files: those of a killed process are removed by the next one, and nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kullback.data.temporary import TemporaryFile

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process numbers are asked for by POSIX")

KILLED = """
import os, signal
from kullback.data.temporary import TemporaryFile
path = TemporaryFile("rows", ".parquet")
print(path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def killed(folder: Path) -> Path:
    """The file of a process that was killed in the middle."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return Path(done.stdout.strip())


def test_the_file_of_a_killed_process_is_removed_by_the_next(folder):
    left = killed(folder)
    assert left.parent == folder
    assert left.exists()
    own = TemporaryFile("rows", ".parquet")
    assert list(folder.iterdir()) == [Path(own)]


def test_nothing_else_is_removed(folder):
    left = killed(folder)
    start, machine, number, end = left.name.split("-", 3)
    mine = TemporaryFile("rows", ".csv")
    assert not left.exists()
    names = {
        "a living process": f"{start}-{machine}-{os.getppid()}-{end}",
        "another machine": f"{start}-{int(machine, 16) ^ 1:08x}-{number}-{end}",
        "another name": f"copy-of-{left.name}",
        "longer": f"{left.name}~",
        "no number": f"{start}-{machine}--{end}",
        "an older version": f"{start}-{end}",
        "too large a number": f"{start}-{machine}-{10**30}-{end}",
    }
    for name in names.values():
        (folder / name).write_text("kept")
    (folder / left.name).mkdir()  # not a file
    link = folder / left.name.replace(end, "abcdefgh.parquet")
    link.symlink_to(folder / names["another name"])
    before = set(folder.iterdir())
    other = TemporaryFile("rows", ".csv")
    assert set(folder.iterdir()) == before | {Path(other)}
    assert Path(mine).exists()
