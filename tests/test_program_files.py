"""Compiled programs kept between processes: equal bits, and never another program's code."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

import kullback as kl
from kullback._core import program_key
from kullback._core.cache_folder import VARIABLE
from kullback._core.compilation import CompiledFunctions
from kullback._core.domains import REAL, Interval
from kullback._core.program_files import keep_newest
from kullback._core.program_key import program_name, stable_text
from kullback.data.observation import Exact

# Estimates and errors from basis functions and from compiled kernels, as their bits: of more rows
# than are evaluated without compilation
FITS = """
import numpy as np, kullback as kl
x = np.random.default_rng(1).gamma(2.0, size=3_000)
for model in (kl.Weibull(), kl.Gumbel(), kl.Logistic(), kl.LogLogistic()):
    fit = kl.fit(model, x)
    numbers = [*fit.params.values(), *fit.stderr.values(), fit.log_likelihood]
    print([float(number).hex() for number in numbers])
"""


def start(folder, code=FITS, more=None):
    environment = {**os.environ, VARIABLE: str(folder), "JAX_LOG_COMPILES": "1"}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    environment |= more or {}
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def finished(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out, sum("Finished XLA compilation" in line for line in err.splitlines())


def programs(folder):
    return {path.name: path.stat().st_ino for path in (folder / "programs").iterdir()}


def test_a_later_process_compiles_nothing_and_gives_the_same_bits(tmp_path):
    without, compiled = finished(start(""))
    assert compiled == 4
    first, compiled = finished(start(tmp_path))
    assert compiled == 4
    kept = programs(tmp_path)
    assert len(kept) == 4
    second, compiled = finished(start(tmp_path))
    assert compiled == 0
    assert without == first == second
    assert programs(tmp_path) == kept, "the second process wrote again"


def test_a_program_that_jax_kept_itself_is_not_written(tmp_path):
    # what JAX reads from its own cache and writes again lacks its functions
    theirs = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "jax")}
    theirs |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    theirs |= {"JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    first, _ = finished(start("", more=theirs))
    for _ in range(2):
        again, _ = finished(start(tmp_path / "own", more=theirs))
        assert again == first
    assert not programs(tmp_path / "own")


def test_processes_may_start_at_once(tmp_path):
    outputs = [finished(process)[0] for process in [start(tmp_path), start(tmp_path)]]
    assert outputs[0] == outputs[1]
    names = programs(tmp_path)
    assert len(names) == 4
    assert all(name.endswith(".program") for name in names), "an unfinished file was left"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    theirs = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()
    yield tmp_path / "programs"
    jax.config.update("jax_compilation_cache_dir", theirs)
    compilation_cache.reset_cache()


class Counted:
    """A function to compile, and how often it was traced."""

    def __init__(self):
        self.traced = 0

    def __call__(self, x):
        self.traced += 1
        return {"sum": jnp.sum(x), "pair": (x, [x * x])}


def call(key, function, n=3):
    """The function's results in what stands for a new process."""
    numbers = np.arange(float(n), dtype=np.float32)
    # a new function every time: JAX keeps the traces of an old one
    return CompiledFunctions().call(key, lambda: lambda x: function(x), numbers)


@pytest.mark.usefixtures("folder")
def test_results_keep_their_structure():
    function = Counted()
    first, second = (call(("counted", 1), function) for _ in range(2))
    assert function.traced == 1
    for found in (first, second):
        assert found["sum"] == 3.0  # 0 + 1 + 2
        assert found["pair"][1][0].tolist() == [0.0, 1.0, 4.0]


def test_another_length_or_key_is_another_program(folder):
    for key, n in ((("a", 1), 3), (("a", 1), 4), (("a", 1.0), 3), (("b", 1), 3)):
        assert call(key, Counted(), n)["sum"] == n * (n - 1) / 2
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:0],
        lambda content: content[::-1],
        lambda content: content[:-1],
        lambda content: content[:400] + bytes([content[400] ^ 1]) + content[401:],
    ],
)
def test_a_damaged_file_is_replaced(folder, damage):
    function = Counted()
    call(("counted",), function)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert call(("counted",), function)["sum"] == 3.0
    assert function.traced == 2
    call(("counted",), function)
    assert function.traced == 2, "it was not written again"


def test_a_sealed_file_of_no_program_is_replaced(folder):
    import hashlib

    function = Counted()
    call(("counted",), function)
    (path,) = folder.iterdir()
    body = bytes(1_000)
    path.write_bytes(b"kullback program 1\n" + hashlib.sha256(body).digest() + body)
    assert call(("counted",), function)["sum"] == 3.0
    assert function.traced == 2


def test_the_users_own_code_is_not_kept(folder):
    class Own:
        pass

    def own(x):
        return x

    for key in (Own, Own(), own, len, (lambda x: x,), {}):
        assert stable_text(("a", key)) is None, key
    call(("a", Own), Counted())
    assert not list(folder.iterdir())


def test_keys_are_written_whole():
    assert stable_text((Interval(0.0), "a", None, True, b"x")) == (
        "(kullback._core.domains.Interval(0x0.0p+0, inf, False, False, False, False), 'a', None, "
        "True, b'x')"
    )
    pairs = [(1, 1.0), (True, 1), ("1", 1), (0.0, -0.0), (REAL, Interval(0.0)), ((1, 2), ((1, 2),))]
    for a, b in pairs:
        assert stable_text(a) != stable_text(b)
    assert stable_text(Exact()) == "kullback.data.observation.Exact()"
    # of frozensets the order of the items differs between processes
    assert stable_text(frozenset("abc")) == "frozenset[\"'a'\", \"'b'\", \"'c'\"]"
    assert stable_text(kl.Gamma().structure) is not None


def test_an_edited_source_is_another_program(tmp_path, monkeypatch):
    source = tmp_path / "one.py"
    source.write_text("a = 1")
    os.utime(source, ns=(10, 10))
    monkeypatch.setattr(program_key, "_ROOT", tmp_path)
    surroundings = program_key._surroundings.__wrapped__
    before = surroundings()
    assert before is not None
    os.utime(source, ns=(11, 11))
    assert surroundings() != before
    os.utime(source, ns=(10, 10))
    assert surroundings() == before
    source.write_text("a = 10")
    os.utime(source, ns=(10, 10))
    assert surroundings() != before
    # edited after this process imported it: which code it runs is not known
    later = program_key._STARTED + 10**9
    os.utime(source, ns=(later, later))
    assert surroundings() is None


def test_a_setting_of_jax_is_another_program():
    import jax

    arguments = (np.zeros(3, np.float32),)
    name = program_name(("a",), arguments)
    assert name is not None
    with jax.default_matmul_precision("float32"):
        assert program_name(("a",), arguments) != name
    with jax.enable_x64(True):
        assert program_name(("a",), arguments) != name
    assert program_name(("a",), arguments) == name


def test_the_oldest_files_are_removed(tmp_path):
    for age, name in enumerate(("c.program", "a.program", "b.part", "d.program", "mine.txt")):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, ns=(age, age))
    keep_newest(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.part", "d.program", "mine.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_folder_that_others_can_write_to_is_not_used(folder):
    folder.mkdir()
    folder.chmod(0o777)
    function = Counted()
    for _ in range(2):
        assert call(("counted",), function)["sum"] == 3.0
    assert function.traced == 2
    assert not list(folder.iterdir())


def test_folders_are_made_private(folder):
    call(("counted",), Counted())
    assert folder.stat().st_mode & 0o077 == 0
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("where", ["", "file"])
def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch, where):
    (tmp_path / "file").touch()  # no folder can be made in a file
    monkeypatch.setenv(VARIABLE, where and str(tmp_path / where))
    function = Counted()
    for _ in range(2):
        assert call(("counted",), function)["sum"] == 3.0
    assert function.traced == 2
    assert [Path(path).name for path in tmp_path.iterdir()] == ["file"]
