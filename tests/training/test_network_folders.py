"""A saved network's folder: what others wrote stays, and no moment leaves half a model.

A kill is simulated at every call of the operating system that changes a file, before and after it;
the weights of the old and of the new model say which of the two a reader finds.
"""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import kullback as kl
from kullback._core import files
from kullback.results import network_folder
from kullback.results.json_document import WrongError
from kullback.results.network_folder import read_network, write_network

OLD, NEW = b"old weights", b"new weights"


def found(folder):
    return read_network(str(folder))[1]


def names(folder):
    return sorted(os.listdir(folder))


@pytest.fixture
def folder(tmp_path):
    write_network(tmp_path / "model", {"model": "old"}, OLD)
    return tmp_path / "model"


def test_a_new_model_takes_the_place_of_the_old_one(folder):
    before = names(folder)
    write_network(folder, {"model": "new"}, NEW)
    assert found(folder) == NEW
    assert len(names(folder)) == 2
    assert set(names(folder)) & set(before) == {"model.json"}


FOREIGN = {
    "none": None,
    "of another program": '{"layers": 3}',
    "not JSON": "{",
    "a list": "[]",
    "of another format": '{"format": "kullback fit", "version": 2}',
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_a_folder_of_something_else_is_kept(text, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    if text is not None:
        (tmp_path / "model.json").write_text(text)
    with pytest.raises(kl.KullbackError, match=r"does not hold a saved network.*: it is kept"):
        write_network(tmp_path, {}, NEW)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert text is None or (tmp_path / "model.json").read_text() == text
    assert names(tmp_path) == (["thesis.txt"] if text is None else ["model.json", "thesis.txt"])


def test_files_of_others_beside_a_model_are_kept(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "sub").mkdir()
    (folder / "sub" / "more").write_text("mine too")
    # the old model.json names a file that this library did not write: its content differs
    other = next(folder.glob("weights-*"))
    other.write_bytes(b"mine as well")
    write_network(folder, {}, NEW)
    assert found(folder) == NEW
    assert other.read_bytes() == b"mine as well"
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "sub" / "more").read_text() == "mine too"


@pytest.mark.parametrize("name", ["../thesis.txt", "thesis.txt", "/etc/passwd", 3, None])
def test_no_other_file_is_read_or_removed_because_a_model_names_it(name, folder):
    thesis = folder.parent / "thesis.txt"
    thesis.write_bytes(OLD)
    (folder / "thesis.txt").write_bytes(OLD)
    document = json.loads((folder / "model.json").read_text())
    document["weights"]["file"] = name
    text = json.dumps(document | {"sha256": files.BLANK})
    (folder / "model.json").write_bytes(files.sealed(text.encode()))
    with pytest.raises(WrongError, match=r'"weights\.file" needs'):
        read_network(str(folder))
    write_network(folder, {}, NEW)
    assert found(folder) == NEW
    assert thesis.read_bytes() == (folder / "thesis.txt").read_bytes() == OLD


def test_a_model_of_the_version_before_is_replaced_and_its_weights_removed(tmp_path):
    import hashlib

    (tmp_path / "weights.safetensors").write_bytes(OLD)
    old = {"format": "kullback network", "version": 2, "sha256": hashlib.sha256(OLD).hexdigest()}
    (tmp_path / "model.json").write_text(json.dumps(old))
    write_network(tmp_path, {}, NEW)
    assert found(tmp_path) == NEW
    assert len(names(tmp_path)) == 2


def test_an_empty_folder_and_a_symbolic_link_are_written_in_place(tmp_path):
    real = tmp_path / "real"
    real.mkdir(mode=0o750)
    (tmp_path / "link").symlink_to(real)
    inode = real.stat().st_ino
    for weights in (OLD, NEW):
        write_network(tmp_path / "link", {}, weights)
        assert found(tmp_path / "link") == found(real) == weights
    assert (tmp_path / "link").is_symlink()
    assert (real.stat().st_ino, stat.S_IMODE(real.stat().st_mode)) == (inode, 0o750)
    assert names(tmp_path) == ["link", "real"]


def test_modes_are_kept(folder):
    folder.chmod(0o751)
    (folder / "model.json").chmod(0o640)
    next(folder.glob("weights-*")).chmod(0o604)
    write_network(folder, {}, NEW)
    modes = [folder, folder / "model.json", next(folder.glob("weights-*"))]
    assert [stat.S_IMODE(path.stat().st_mode) for path in modes] == [0o751, 0o640, 0o604]


@pytest.mark.parametrize("kind", ["file", "pipe", "no parent", "zero byte"])
def test_what_is_not_a_folder_is_refused(kind, tmp_path):
    path = tmp_path / "model"
    if kind == "file":
        path.write_text("mine")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "no parent":
        path = path / "below"
    else:
        path = "a\0b"
    with pytest.raises(kl.KullbackError, match=r"not a folder|No such file|not a path"):
        write_network(path, {}, NEW)
    assert kind != "file" or path.read_text() == "mine"


# ---- a kill at every step ----------------------------------------------------------------------

CALLS = ("open", "chmod", "fsync", "replace", "unlink", "mkdir", "rmdir", "stat", "listdir")

# Each save runs in a child process that ends at the call with a number, without clearing up.
KILLED = """
import os, sys
from kullback._core import files
from kullback.results.network_folder import read_network, write_network

folder, calls = sys.argv[1], sys.argv[2].split()

def watched(call, at, after):
    def run(*args, **options):
        global seen
        seen += 1
        last = seen == at
        if last and not after:
            os._exit(9)
        try:
            return call(*args, **options)
        finally:
            if last:
                os._exit(9)
    return run

for after in (False, True):
    code, at, states = 9, 0, []
    while code == 9:
        at += 1
        write_network(folder, {}, b"old weights")
        child = os.fork()
        if child == 0:
            seen = 0
            for name in calls:
                setattr(os, name, watched(getattr(os, name), at, after))
            files.open = watched(open, at, after)
            write_network(folder, {}, b"new weights")
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        states.append(read_network(folder)[1].decode()[:3])
    print(code, *states)
"""


def test_a_killed_process_leaves_the_old_model_or_the_new_one(folder):
    (folder / "notes.txt").write_text("mine")
    command = [sys.executable, "-c", KILLED, str(folder), " ".join(CALLS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        code, *states = line.split()
        assert code == "0", "the save that nothing interrupted succeeds"
        assert states == sorted(states, reverse=True), "old models, then new ones"
        assert min(states.count("old"), states.count("new")) > 3
    assert len(done.stdout.splitlines()) == 2
    assert (folder / "notes.txt").read_text() == "mine"
    write_network(folder, {}, NEW)  # what a killed process left is not in the way
    assert found(folder) == NEW


class Cut(BaseException):
    """Stands for Ctrl-C."""


def interrupt(monkeypatch, at, error, after):
    """Raise at the call with that number; the calls after it work."""
    seen = [0]

    def watched(call):
        def run(*args, **options):
            seen[0] += 1
            last = seen[0] == at
            if last and not after:
                raise error
            result = call(*args, **options)
            if last:
                raise error
            return result

        return run

    for name in CALLS:
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    monkeypatch.setattr(files, "open", watched(open), raising=False)
    return seen


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [Cut(), OSError(28, "No space left on device")], ids=repr)
@pytest.mark.parametrize("start", ["old", "new", "empty"])
def test_an_error_at_any_call_leaves_a_whole_model(start, error, after, tmp_path, monkeypatch):
    finished = False
    for at in range(1, 300):
        folder = tmp_path / str(at)
        if start == "old":
            write_network(folder, {}, OLD)
        elif start == "empty":
            folder.mkdir()
        raised = None
        with monkeypatch.context() as patch:
            seen = interrupt(patch, at, error, after)
            try:
                write_network(folder, {}, NEW)
            except (Cut, kl.KullbackError) as cut:
                raised = cut
        if (folder / "model.json").exists():
            state = found(folder)
        else:
            assert start != "old"
            state = None
        before = OLD if start == "old" else None
        assert state in (before, NEW)
        assert raised is not None or state == NEW
        write_network(folder, {}, NEW)  # what is left is not in the way
        assert found(folder) == NEW
        if seen[0] < at:
            finished = True
            break
    assert finished, "every call was interrupted once"


def test_a_failure_leaves_nothing_behind(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for error in (OSError(30, "Read-only file system"), OSError(28, "No space left on device")):
        for name in ("replace", "fsync"):
            with monkeypatch.context() as patch:

                def refuse(*_args, error=error, **_options):
                    raise error

                patch.setattr(os, name, refuse)
                with pytest.raises(kl.KullbackError, match=f"cannot be written: {error.strerror}"):
                    write_network(folder, {}, NEW)
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(kl.KullbackError, match="cannot be written"):
            write_network(folder.parent / "new", {}, NEW)
    assert names(folder.parent) == ["model"]


def test_a_read_only_disk_refuses_every_call(folder, monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(30, "Read-only file system")

    def read_only(path, mode):
        return open(path, mode) if mode == "rb" else refuse()

    for name in ("replace", "unlink", "mkdir", "rmdir", "chmod"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(files, "open", read_only, raising=False)
    for path in (folder, folder.parent / "new"):
        with pytest.raises(kl.KullbackError, match="cannot be written: Read-only file system"):
            write_network(path, {}, NEW)


# ---- readers and writers at once ---------------------------------------------------------------


def test_readers_and_writers_at_once_find_whole_models(folder):
    contents = [np.random.default_rng(k).bytes(20_000) for k in range(3)]
    write_network(folder, {}, contents[0])
    errors, stop = [], threading.Event()

    def guarded(work):
        def run():
            try:
                work()
            except BaseException as error:
                errors.append(error)

        return threading.Thread(target=run)

    def read():
        while not stop.is_set():
            assert found(folder) in contents

    def write(weights):
        for _ in range(25):
            write_network(folder, {}, weights)

    readers = [guarded(read) for _ in range(2)]
    writers = [guarded(lambda weights=weights: write(weights)) for weights in contents]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    assert errors == []
    assert found(folder) in contents
    assert len(names(folder)) == 2, "each writer removed the model that it replaced"


def test_writers_at_once_may_make_the_folder(tmp_path):
    errors = []

    def write(k):
        try:
            write_network(tmp_path / "model", {}, bytes([k]))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(found(tmp_path / "model")) == 1
    assert len(names(tmp_path / "model")) == 2


def test_a_reader_that_finds_the_weights_gone_reads_again(folder, monkeypatch):
    read, replaced = network_folder.read_file, []

    def late(path, *rest):
        if "weights-" in str(path) and not replaced:
            replaced.append(path)
            write_network(folder, {}, NEW)
        return read(path, *rest)

    monkeypatch.setattr(network_folder, "read_file", late)
    assert found(folder) == NEW
    assert not Path(replaced[0]).exists()


# ---- limits ------------------------------------------------------------------------------------


def test_files_too_large_are_not_read(folder):
    weights = next(folder.glob("weights-*"))
    for path in (weights, folder / "model.json"):
        with open(path, "r+b") as file:
            file.truncate(2**40)  # no block of it is on the disk
        with pytest.raises(WrongError, match="it is larger than any saved network"):
            read_network(str(folder))


def test_a_model_too_large_to_be_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(network_folder, "_LARGEST_WEIGHTS", 3)
    with pytest.raises(kl.ModelError, match="its weights 11; a saved network may take"):
        write_network(tmp_path / "model", {}, NEW)
    assert names(tmp_path) == []


def test_what_killed_saves_left_is_removed_and_nothing_else(folder):
    import hashlib

    digest = hashlib.sha256(b"lost").hexdigest()[:16]
    lost = {f"weights-{digest}-0123abcd.safetensors": b"lost"}
    lost[".kullback-0123456789abcdef.tmp"] = b"half"
    young = ".kullback-fedcba9876543210.tmp"  # another process may be writing it
    kept = {
        young: b"half",
        f"weights-{digest}-0123abce.safetensors": b"not the content that its name says",
        f"weights-{digest}.safetensors": b"lost",
        f"weights-{digest}-0123abcd.safetensors.bak": b"lost",
        ".kullback-0123.tmp": b"mine",
        "notes.tmp": b"mine",
    }
    for name, content in {**lost, **kept}.items():
        (folder / name).write_bytes(content)
        if name != young:
            os.utime(folder / name, (0.0, 0.0))
    (folder / f"weights-{digest}-aaaaaaaa.safetensors").mkdir()
    (folder / ".kullback-aaaaaaaaaaaaaaaa.tmp").symlink_to(folder / "notes.tmp")
    write_network(folder, {}, NEW)
    assert found(folder) == NEW
    own = {"model.json", json.loads((folder / "model.json").read_text())["weights"]["file"]}
    others = {f"weights-{digest}-aaaaaaaa.safetensors", ".kullback-aaaaaaaaaaaaaaaa.tmp"}
    assert set(names(folder)) == own | set(kept) | others
    for name, content in kept.items():
        assert (folder / name).read_bytes() == content


def test_killed_saves_leave_nothing_after_the_next_one(folder):
    command = [sys.executable, "-c", KILLED, str(folder), " ".join(CALLS)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    for file in folder.glob(".kullback-*"):
        os.utime(file, (0.0, 0.0))  # an hour later
    write_network(folder, {}, NEW)
    assert len(names(folder)) == 2
