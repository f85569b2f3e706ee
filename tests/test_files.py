"""Files are replaced whole or not at all, whoever writes them."""

import os

import numpy as np
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


def refuse(*_args, **_options):
    raise OSError(30, "Read-only file system")


def read_only(path, mode="r", **options):
    return open(path, mode, **options) if "r" in mode else refuse()


@pytest.mark.parametrize("name", WRITERS)
def test_a_read_only_disk_is_reported(name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_text("old")
    for call in ("replace", "unlink", "chmod"):
        monkeypatch.setattr(os, call, refuse)
    monkeypatch.setattr(files, "open", read_only, raising=False)
    with pytest.raises(kl.KullbackError, match=f"{name} cannot be written: Read-only file system"):
        WRITERS[name](path)
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file(name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_text("old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(kl.KullbackError, match=f"{name} cannot be written: No space left"):
        WRITERS[name](path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_the_mode_is_kept_and_a_link_followed(name, tmp_path):
    path, real = tmp_path / name, tmp_path / "real"
    real.write_text("old")
    real.chmod(0o640)
    path.symlink_to(real)
    WRITERS[name](path)
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert real.read_bytes() != b"old"


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
