"""Compiled functions: each compiled once, kept for later processes, its seconds counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, final

import jax

from kullback._core.program_files import ProgramFiles
from kullback._core.program_key import program_name


@final
class CompiledFunctions:
    """Compiled functions by key: traced and compiled ahead, at the first call with a key.

    A key must hold everything that the compiled code depends on, shapes included. A function that
    an earlier process compiled is read from a file instead: ``program_key`` says which.

    Attributes:
        seconds: time spent tracing and compiling, or reading, in all.
        count: number of compiled functions.
    """

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._functions: dict[Hashable, Any] = {}
        self._lock = threading.Lock()
        self._files = ProgramFiles()
        self.seconds = 0.0
        self.count = 0

    def call(self, key: Hashable, build: Callable[[], Callable[..., Any]], *arguments: Any) -> Any:
        """Call the function of a key, compiled from ``build`` at the first call.

        Args:
            key: everything that the code depends on.
            build: returns the Python function to compile.
            arguments: arrays; equal keys must come with equal shapes and types.
        """
        function = self._functions.get(key)
        if function is None:
            with self._lock:  # two threads must not compile the same function
                function = self._functions.get(key)
                if function is None:
                    with self.timed():
                        function = self._read_or_compiled(key, build, arguments)
                    self._functions[key] = function
                    self.count += 1
        return function(*arguments)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the seconds of a block as those of compiling."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - begin

    def _read_or_compiled(
        self, key: Hashable, build: Callable[[], Callable[..., Any]], arguments: tuple[Any, ...]
    ) -> Any:
        folder = self._files.folder
        name = None if folder is None else program_name(key, arguments)
        if folder is None or name is None:
            return jax.jit(build()).lower(*arguments).compile()
        function = self._files.load(folder, name, arguments)
        if function is None:
            function = jax.jit(build()).lower(*arguments).compile()
            self._files.store(folder, name, function, arguments)
        return function


COMPILED = CompiledFunctions()
"""The process's compiled functions: a cache; results do not depend on it."""
