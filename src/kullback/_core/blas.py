"""One thread for the linear algebra inside a pass.

With several, BLAS adds in an order that depends on their number; engines use all cores already.
"""

from __future__ import annotations

import contextlib
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # a tenth of a second, so only where needed

    return ThreadpoolController()


def one_blas_thread() -> contextlib.AbstractContextManager[Any]:
    """Return the context in which BLAS uses one thread, in the whole process."""
    context: contextlib.AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return context
