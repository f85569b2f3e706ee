"""Ctrl-C during training: the first stops with the best weights, the second ends the process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

# The exit code that shells report for a process ended by SIGINT.
INTERRUPTED = 128 + signal.SIGINT


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
            os._exit(INTERRUPTED)  # no handler runs while the main thread is in compiled code
