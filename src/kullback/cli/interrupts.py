"""Ctrl-C: during imports it ends the process; in a training the first stops, the second ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

# The exit code that shells report for a process ended by SIGINT.
INTERRUPTED = 128 + signal.SIGINT


@contextlib.contextmanager
def quiet_imports() -> Iterator[None]:
    """Let Ctrl-C end the process without a traceback while a module is being imported.

    Interrupted in its first seconds, Python and compiled modules print tracebacks, and may turn the
    interrupt into an ImportError. No file is being written at that time.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, _end_in_imports)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_in_imports(number: int, frame: FrameType | None) -> None:
    outer = frame
    while outer is not None:
        if outer.f_globals.get("__name__") == "importlib._bootstrap":
            _end()
        outer = outer.f_back
    signal.default_int_handler(number, frame)


def _end() -> NoReturn:
    """End the process at once."""
    temporary = sys.modules.get("kullback.data.temporary")
    if temporary is not None:
        temporary.remove_temporary_files()
    os._exit(INTERRUPTED)


@contextlib.contextmanager
def second_one_ends(first: Callable[[], None]) -> Iterator[None]:
    """Report the first Ctrl-C at once, and end the process at the second.

    Python raises ``KeyboardInterrupt`` only when compiled code has returned, which may take as long
    as an epoch. The signal's number is written to a socket at once, and a thread reads it there.

    Args:
        first: called in that thread at the first Ctrl-C.
    """
    if (
        threading.current_thread() is not threading.main_thread()
    ):  # only that thread receives signals
        yield
        return
    here, there = socket.socketpair()
    there.setblocking(False)
    before = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    listener = threading.Thread(target=_listen, args=(here, first), daemon=True)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        there.close()  # ends the listener's reads
        listener.join()
        here.close()


def _listen(here: socket.socket, first: Callable[[], None]) -> None:
    interrupts = 0
    while number := here.recv(1):
        interrupts += number[0] == signal.SIGINT
        if interrupts == 1:
            first()
        elif interrupts > 1:
            if sys.stderr.isatty():
                sys.stderr.write("\x1b[?25h\n")  # the progress bar hid the cursor
                sys.stderr.flush()
            _end()  # no handler runs while the main thread is in compiled code
