"""What a program is told and says over its pipes: so much of it, and only for so long."""

import os
import select
import selectors
import subprocess
from typing import IO

from hosttools import waiting

LARGEST_OUTPUT_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
_CUT = f"\n[cut here: it wrote more than {LARGEST_OUTPUT_BYTES} bytes]".encode()


def exchange(process: subprocess.Popen[bytes], told: bytes, *, limit_s: float) -> tuple[bytes, bytes]:
    """Return what `process` wrote to stdout and stderr, once it has ended and nobody holds them any more.

    What is longer than `LARGEST_OUTPUT_BYTES` is read and thrown away, and the rest says so at its end.

    + process: started without buffers, and with a pipe for each of the three
    + told: what it reads from stdin; it may end without reading that
    + limit_s: time limit, in seconds

    Raises:
        TimeoutError: it had not ended by then; it still runs.
    """
    assert process.stdin is not None, "it is a pipe"
    assert process.stdout is not None, "it is a pipe"
    assert process.stderr is not None, "it is a pipe"
    end_s = waiting.now_s() + limit_s
    said: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as pipes:
        pipes.register(process.stdin, selectors.EVENT_WRITE)
        for pipe in said:
            pipes.register(pipe, selectors.EVENT_READ)
        while pipes.get_map():
            for key, _ in _ready(pipes, end_s):
                pipe = key.fileobj  # type: ignore[assignment] # each was registered as a file above
                if pipe is process.stdin:
                    told = _without_written(pipe, told)
                    is_over = not told
                else:
                    is_over = not _read_into(said[pipe], pipe)
                if is_over:
                    pipes.unregister(pipe)
                    pipe.close()
    try:
        process.wait(max(0.0, end_s - waiting.now_s()))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return bytes(said[process.stdout]), bytes(said[process.stderr])


def _ready(pipes: selectors.BaseSelector, end_s: float) -> list[tuple[selectors.SelectorKey, int]]:
    left_s = end_s - waiting.now_s()
    # Also of one that never stops writing, for which there is no waiting.
    if left_s < 0 or not (ready := pipes.select(left_s)):
        raise TimeoutError
    return ready


def _without_written(pipe: IO[bytes], told: bytes) -> bytes:
    """Write the beginning of `told`, without waiting, and return the rest; empty if nobody reads any more."""
    try:
        return told[os.write(pipe.fileno(), told[: select.PIPE_BUF]) :]
    except BrokenPipeError:
        return b""


def _read_into(said: bytearray, pipe: IO[bytes]) -> bool:
    """Append what there is to `said`, as far as it is kept; return whether more may come."""
    chunk = os.read(pipe.fileno(), _CHUNK_BYTES)
    left = LARGEST_OUTPUT_BYTES - len(said)
    if left >= 0:
        said += chunk[:left]
        if len(chunk) > left:
            said += _CUT
    return bool(chunk)
