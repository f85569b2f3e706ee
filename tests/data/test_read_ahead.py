"""Reading ahead in a thread: in order, with errors in their place, and stopping with its reader."""

import threading
from typing import Any

import pytest

from kullback.data.stream import read_ahead


def test_reading_ahead_keeps_the_order_and_raises_in_its_place() -> None:
    def items() -> Any:
        yield from range(5)
        raise OSError("the disk is gone")

    ahead = read_ahead(items())
    assert [next(ahead) for _ in range(5)] == list(range(5))
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)


def test_reading_ahead_stops_with_its_reader() -> None:
    made, closed = [], threading.Event()

    def items() -> Any:
        try:
            for item in range(1000):
                made.append(item)
                yield item
        finally:
            closed.set()

    ahead = read_ahead(items(), 2)
    assert next(ahead) == 0
    ahead.close()
    assert closed.is_set()
    assert len(made) <= 4  # the one that was taken, two ahead, and one being made
    assert not [t for t in threading.enumerate() if t.name.startswith("kullback-read")]


def test_reading_overlaps_with_using() -> None:
    made = [threading.Event() for _ in range(5)]

    def items() -> Any:
        for item, event in enumerate(made):
            event.set()
            yield item

    for item in read_ahead(items()):
        # made while this one is in use; one after the other it would not be made before the next
        assert item == 4 or made[item + 1].wait(timeout=60.0)
