"""Compiled functions, each compiled once and cached, with the seconds that compiling took."""

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
        seconds: time spent tracing and compiling, in all.
        count: number of compiled functions.
    """

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._functions: dict[Hashable, Any] = {}
        self._lock = threading.Lock()
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
                    begin = time.perf_counter()
                    function = jax.jit(build()).lower(*arguments).compile()
                    self._functions[key] = function
                    self.seconds += time.perf_counter() - begin
                    self.count += 1
        return function(*arguments)


COMPILED = CompiledFunctions()
"""The process's compiled functions: a cache; results do not depend on it."""
