"""Ctrl-C while a network is trained: the first keeps the best weights, a second one ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

# What a shell reports of a process that SIGINT ended.
INTERRUPTED = 128 + signal.SIGINT


@contextlib.contextmanager
def second_one_ends(first: Callable[[], None]) -> Iterator[None]:
    """Tell the first Ctrl-C at once, and end the process at the second.

    Python raises ``KeyboardInterrupt`` only when compiled code has returned, which may take as long
    as an epoch. The signal's number is written to a socket at once, and a thread reads it there.

    Args:
        first: called in that thread at the first Ctrl-C.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
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
        there.close()  # the listener reads that there is no more
        listener.join()
        here.close()


def _listen(here: socket.socket, first: Callable[[], None]) -> None:
    seen = 0
    while number := here.recv(1):
        seen += number[0] == signal.SIGINT
        if seen == 1:
            first()
        elif seen > 1:
            if sys.stderr.isatty():
                sys.stderr.write("\x1b[?25h\n")  # a bar hides the cursor
                sys.stderr.flush()
            os._exit(INTERRUPTED)  # no handler runs while the main thread is in compiled code
