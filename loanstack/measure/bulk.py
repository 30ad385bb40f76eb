"""Speeds up reading hundreds of thousands of records."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def bulk_reading() -> Iterator[None]:
    """Switch the garbage collector off during a `with` block.

    It would search all records again and again and free nothing, because we keep them all. Measured over
    120,000 writes and 300,000 journal rows: reading takes half the time without it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
