"""The name of a compiled program's file: a digest of all that its machine code depends on."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import sys
import time
from enum import Enum
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

import jax
import numpy as np
from jaxlib.version import __version__ as jaxlib_version

_PACKAGE = "kullback"
_ROOT = Path(__file__).parents[1]

# The process may run the code of sources as they were before this moment, and not as they are now.
_STARTED = time.time_ns()

# Settings of JAX that change no program; all others are part of the name.
_WITHOUT_EFFECT = ("compilation_cache", "persistent_cache", "log")


def program_name(key: Any, arguments: tuple[Any, ...]) -> str | None:
    """Return a name for the program of a key and the types of its arguments.

    None where the key holds anything but names, numbers and the package's own classes, whose code
    is known to be that of its sources; where the sources were edited after the process began; and
    where the program is not for this processor.
    """
    surroundings, text = _surroundings(), stable_text(key)
    if surroundings is None or text is None or not _on_processor():
        return None
    leaves, tree = jax.tree.flatten(arguments)
    types = ", ".join(str(jax.typeof(leaf)) for leaf in leaves)
    parts = (surroundings, _settings(), text, str(tree), types)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def stable_text(key: Any) -> str | None:
    """Write a key as a text that is the same in every process; None for one that has no such text.

    Example:
        >>> from kullback._core.domains import REAL
        >>> stable_text(("cdf", 64, 0.5, type(REAL)))
        "('cdf', 64, 0x1.0000000000000p-1, kullback._core.domains.Interval)"
        >>> from kullback.data.observation import Event
        >>> stable_text(Event.LEFT)
        'kullback.data.observation.Event.LEFT'
        >>> stable_text(("cdf", object())) is None
        True
    """
    if isinstance(key, float):
        return key.hex()
    if isinstance(key, Enum):
        name = stable_text(type(key))
        return None if name is None else f"{name}.{key.name}"
    if key is None or isinstance(key, bool | int | str | bytes):
        return repr(key) if type(key).__module__ == "builtins" else None
    if isinstance(key, type | FunctionType):
        own = (key.__module__ or "").startswith(f"{_PACKAGE}.") and "<" not in key.__qualname__
        return f"{key.__module__}.{key.__qualname__}" if own else None
    if type(key) is tuple:
        return _joined("", key)
    if type(key) is frozenset:
        items = [stable_text(item) for item in key]
        return None if None in items else f"frozenset{sorted(map(str, items))}"
    name = stable_text(type(key))
    if name is None or not dataclasses.is_dataclass(key):
        return None
    return _joined(name, tuple(getattr(key, field.name) for field in dataclasses.fields(key)))


def _joined(name: str, items: tuple[Any, ...]) -> str | None:
    texts = [stable_text(item) for item in items]
    return None if None in texts else f"{name}({', '.join(map(str, texts))})"


@cache
def _surroundings() -> str | None:
    """The package's sources, the versions of what compiles them, and the processor."""
    sources = []
    for folder, _, names in os.walk(_ROOT):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                found = os.stat(path)
                if found.st_mtime_ns > _STARTED:
                    return None
                sources.append((os.path.relpath(path, _ROOT), found.st_size, found.st_mtime_ns))
    versions = (jax.__version__, jaxlib_version, np.__version__, sys.version)
    return repr((sorted(sources), versions, _processor(), os.environ.get("XLA_FLAGS")))


def _processor() -> tuple[str, ...]:
    """The instructions that the processor knows, or else its name."""
    known = [platform.machine(), platform.processor()]
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if not line.strip():  # the end of the first processor's
                    break
                if line.startswith(("model name", "flags", "Features", "CPU ")):
                    known.append(line.strip())
    except OSError:  # not Linux
        known.append(platform.version())
    return tuple(known)


def _settings() -> str:
    """The settings of JAX that programs may depend on, with those of the present context."""
    values = {
        name: getattr(jax.config, name, value)
        for name, value in jax.config.values.items()
        if not any(word in name for word in _WITHOUT_EFFECT)
    }
    return repr(sorted((name, str(value)) for name, value in values.items()))


def _on_processor() -> bool:
    chosen = getattr(jax.config, "jax_default_device", None)
    return jax.default_backend() == "cpu" and chosen is None
