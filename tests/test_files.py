"""Files are replaced whole or not at all, whoever writes them."""

import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback._core import files
from kullback.data.writing import write_columns

P, Y = np.array([[0.7, 0.3], [0.4, 0.6], [0.8, 0.2]] * 20), np.array([0, 1, 0] * 20)

WRITERS = {
    "page.html": lambda path: kl.evaluate(P, None, Y).report(path),
    "fit.json": lambda path: kl.fit(kl.Poisson(), [1.0, 2.0, 4.0]).save(path),
    "rows.csv": lambda path: write_columns({"a": np.arange(3)}, path),
    "rows.parquet": lambda path: write_columns({"a": np.arange(3)}, path),
}

# an older file that may be replaced: a page only where this library wrote it
OLD = {name: "old" for name in WRITERS} | {
    "page.html": '<meta name="generator" content="Kullback"> old'
}


def refuse(*_args, **_options):
    raise OSError(30, "Read-only file system")


def read_only(path, mode="r", **options):
    return open(path, mode, **options) if "r" in mode else refuse()


@pytest.mark.parametrize("name", WRITERS)
def test_a_read_only_disk_is_reported(name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_text(OLD[name])
    for call in ("replace", "unlink", "chmod"):
        monkeypatch.setattr(os, call, refuse)
    monkeypatch.setattr(files, "open", read_only, raising=False)
    with pytest.raises(kl.KullbackError, match=f"{name} cannot be written: Read-only file system"):
        WRITERS[name](path)
    assert path.read_text() == OLD[name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file(name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_text(OLD[name])

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(kl.KullbackError, match=f"{name} cannot be written: No space left"):
        WRITERS[name](path)
    assert path.read_text() == OLD[name]
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_the_mode_is_kept_and_a_link_followed(name, tmp_path):
    path, real = tmp_path / name, tmp_path / "real"
    real.write_text(OLD[name])
    real.chmod(0o640)
    path.symlink_to(real)
    WRITERS[name](path)
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert real.read_bytes() != OLD[name].encode()


@pytest.mark.parametrize("name", WRITERS)
def test_a_pipe_or_a_folder_is_not_replaced(name, tmp_path):
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(kl.KullbackError, match=f"{name} cannot be written: it is not a regular"):
        WRITERS[name](path)
    os.unlink(path)
    path.mkdir()
    with pytest.raises(kl.KullbackError, match=f"{name} cannot be written: it is not a regular"):
        WRITERS[name](path)
    with pytest.raises(kl.KullbackError, match="is not a path: embedded null byte"):
        WRITERS[name](f"a\0{name}")


def test_columns_of_every_type_are_written_as_they_are(tmp_path):
    columns = {
        "strided": np.arange(10.0)[::3] + 0.1,
        "single": np.array([0.1, np.nan, np.inf, -0.0], np.float32),
        "whole": np.array([2**62, -1, 0, 7]),
        "short": np.array([255, 0, 1, 2], np.uint8),
        "true": np.array([True, False, True, True]),
        "text": np.array(["a", "é", "", "b,c"]),
    }
    path = tmp_path / "rows.parquet"
    write_columns(columns, path)
    table = pq.read_table(path)
    assert table.column_names == list(columns)
    for name in table.column_names:
        np.testing.assert_array_equal(table[name].to_pylist(), columns[name].tolist())
    # pandas takes longer to import than all else that a command does
    code = (
        "import sys, numpy as np; from kullback.data.writing import write_csv; "
        "write_csv({'x': np.array([0.1, 2.0, np.nan])}, sys.stdout.buffer); "
        "sys.stdout.flush(); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == '"x"\n0.1\n2\nnan\nFalse\n'
