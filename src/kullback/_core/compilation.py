"""Compiled functions, each made once and kept, with the seconds that making them took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, final

import jax


@final
class CompiledFunctions:
    """Compiled functions by key: traced and compiled ahead, at the first call with a key.

    A key must hold everything that the compiled code depends on, shapes included.

    Attributes:
        seconds: how long tracing and compiling has taken altogether.
        count: how many functions were compiled.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._functions: dict[Hashable, Any] = {}
        self._lock = threading.Lock()
        self.seconds = 0.0
        self.count = 0

    def call(self, key: Hashable, build: Callable[[], Callable[..., Any]], *arguments: Any) -> Any:
        """Call the function of a key, compiling what ``build`` gives if it is new.

        Args:
            key: what the code depends on.
            build: gives the Python function to be compiled.
            arguments: arrays; equal keys must come with equal shapes and types.
        """
        function = self._functions.get(key)
        if function is None:
            with self._lock:  # two threads must not compile the same function
                function = self._functions.get(key)
                if function is None:
                    begin = time.perf_counter()
                    function = jax.jit(build()).lower(*arguments).compile()
                    self._functions[key] = function
                    self.seconds += time.perf_counter() - begin
                    self.count += 1
        return function(*arguments)


COMPILED = CompiledFunctions()
"""The process's compiled functions: a cache, which no result depends on."""
