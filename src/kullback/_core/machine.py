"""The software and the processor that compute, which decide the last bits of results."""

from __future__ import annotations

import platform
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np


class Machine(NamedTuple):
    """What a process computes with.

    Attributes:
        versions: of kullback, jax and numpy, by name.
        instructions: the processor and the sets of instructions that NumPy, and the compiler
            likewise, choose among.
    """

    versions: tuple[tuple[str, str], ...]
    instructions: str


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """Return what this process computes with.

    >>> [name for name, _ in this_machine().versions]
    ['kullback', 'jax', 'numpy']
    """
    import jax

    import kullback

    versions = {"kullback": kullback.__version__, "jax": jax.__version__, "numpy": np.__version__}
    found: Any = np.show_config(mode="dicts")
    sets = found.get("SIMD Extensions", {}).get("found", [])
    return Machine(
        tuple(versions.items()),
        " ".join([platform.machine(), *sets]),
    )
