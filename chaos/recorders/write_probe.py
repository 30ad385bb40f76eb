"""Tries to write into every database directly, ten times a second, until SIGTERM.

    python -m chaos.recorders.write_probe lab --out runs/mine/probes.jsonl

Each line is one attempt (`proof.record.WriteAttempt`). A standby refuses; a database that is down or fenced
refuses or does not answer. A database that accepts is a primary, whatever role it reports.

Two sessions to each host take turns. The patient session stays open while a host is frozen, so it writes at
the moment when the host is thawed. The eager session gives up a silent host and connects again, so it writes
soon after a host that was switched off comes back.
"""

import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from types import FrameType

import click
import orjson

from chaos.system.pair import database_hosts
from inventory import environment
from inventory.model import Environment, Host
from inventory.purpose import Action, NotAllowedError
from inventory.ssh import ssh_argv
from processes.lines import Channel, ChannelClosedError
from proof.record import WriteAttempt

INTERVAL_MS = 200.0
"""Interval of each session; two sessions take turns."""
TABLE = "loanstack.probe"
_CREATE = f"CREATE TABLE IF NOT EXISTS {TABLE} (host VARCHAR(64) PRIMARY KEY, n BIGINT NOT NULL);"

_REOPEN_AFTER_S = 1.0
_LOOK_UP_EVERY_S = 0.1
_CONNECTS_WITHIN_S = 0.5
"""If a client has not printed `down` for this long, it has connected, or hangs while connecting."""

# --force: a refused write must not end the client, because its start costs more than a hundred writes. When
# the connection is lost it only prints errors, so it is told to quit. If the reader is gone, `echo` fails and
# ends the shell.
_LOOP = "while :; do loanstack-db sql --force 2>&1; echo down; sleep 0.2; done"
_QUIT = "\\q\n"


@dataclass(frozen=True, kw_only=True)
class Said:
    """A line of the client that answers a write."""

    number: int
    accepted: bool


class Attempts:
    """The attempts on one database: turns lines sent and received into probes. Times are arguments."""

    def __init__(self, host: str, *, row: str | None = None) -> None:
        """Prepare attempts to write into the database of `host`.

        + row: key of the written row, so that no session waits for another's lock; None: the host's name
        """
        self._host = host
        self._row = row or host
        self._number = 0
        self._sent_s: float | None = None
        self._down_s: float | None = None

    def may_send(self, now_s: float) -> bool:
        """Say whether the next write may be sent: no write is open, and the client is connected."""
        connecting = self._down_s is not None and now_s - self._down_s < _CONNECTS_WITHIN_S
        return self._sent_s is None and not connecting

    def next_write(self, now_s: float) -> str:
        """Return the SQL of the next attempt, sent now; its answer says whether a row was changed."""
        self._number += 1
        self._sent_s, self._down_s = now_s, None
        n = self._number
        values = f"(host, n) VALUES ('{self._row}', {n}) ON DUPLICATE KEY UPDATE n = {n}"
        return f"INSERT INTO {TABLE} {values}; {self._question()};\n"

    def heard(self, line: str, now_s: float) -> tuple[WriteAttempt | None, bool]:
        """Return the attempt that `line` answers, if any, and whether the client must be told to quit."""
        if line == "down":
            since_s = self._sent_s if self._sent_s is not None else self._down_s
            # The next client will read what was sent to a client that found no database: drop that attempt,
            # and send nothing more for now.
            self._sent_s, self._down_s = None, now_s
            return (None if since_s is None else self._probe(since_s, now_s, accepted=False)), False
        if self._sent_s is None:
            return None, False
        if line == self._question():
            # The client prints the failed statement. If that is the SELECT, the connection is lost.
            return self._answered(now_s, accepted=False), True
        said = parse(line)
        if said is None or said.number != self._number:
            return None, False
        return self._answered(now_s, accepted=said.accepted), False

    def gave_up(self) -> WriteAttempt | None:
        """Return the open attempt as unanswered, because the session has ended."""
        sent_s, self._sent_s, self._down_s = self._sent_s, None, None
        return None if sent_s is None else self._probe(sent_s, None, accepted=False)

    def _question(self) -> str:
        return f"SELECT {self._number}, ROW_COUNT()"

    def _answered(self, now_s: float, *, accepted: bool) -> WriteAttempt:
        assert self._sent_s is not None
        sent_s, self._sent_s = self._sent_s, None
        return self._probe(sent_s, now_s, accepted=accepted)

    def _probe(self, sent_s: float, answered_s: float | None, *, accepted: bool) -> WriteAttempt:
        return WriteAttempt(host=self._host, sent_s=sent_s, answered_s=answered_s, accepted=accepted)


def parse(line: str) -> Said | None:
    """Return the answer in a line; None if the line is not an answer to a write."""
    found = re.fullmatch(r"(\d+)\t(-?\d+)", line)
    return None if found is None else Said(number=int(found[1]), accepted=int(found[2]) > 0)


def probe_host(
    env: Environment, host: Host, note: Callable[[WriteAttempt], None], stopping: Event, *, patient: bool
) -> None:
    """Try to write into one database until `stopping` is set; open the session again if it ends.

    + patient: keep the session to a silent host
    """
    attempts = Attempts(host.name, row=f"{host.name}-{'patient' if patient else 'eager'}")
    stopping.wait(INTERVAL_MS / 2000 if patient else 0.0)
    while not stopping.is_set():
        channel = Channel(ssh_argv(env, host, _LOOP, patient=patient))
        try:
            channel.send(f"{_CREATE}\n")
            _probe_over(channel, attempts, note, stopping)
        except ChannelClosedError:
            stopping.wait(_REOPEN_AFTER_S)
        finally:
            channel.close()
        open_end = attempts.gave_up()
        if open_end is not None:
            note(open_end)


def _probe_over(
    channel: Channel, attempts: Attempts, note: Callable[[WriteAttempt], None], stopping: Event
) -> None:
    due_s = time.monotonic()
    while not stopping.is_set():
        now_s = time.monotonic()
        if now_s >= due_s and attempts.may_send(time.time()):
            channel.send(attempts.next_write(time.time()))
            due_s = max(due_s + INTERVAL_MS / 1000, now_s)
        line = channel.read_line(max(0.001, min(due_s - time.monotonic(), _LOOK_UP_EVERY_S)))
        if line is None:
            continue
        probe, must_quit = attempts.heard(line, time.time())
        if must_quit:
            channel.send(_QUIT)
        if probe is not None:
            note(probe)


@click.command()
@click.argument("environment_name", metavar="ENV")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
def main(environment_name: str, out: Path) -> None:
    """Try to write into every database of ENV until SIGTERM."""
    try:
        env = environment(environment_name)
        env.require_allowed(Action.DRILL)
    except NotAllowedError as refused:
        raise click.UsageError(str(refused)) from None
    except (KeyError, ValueError) as wrong:
        raise click.UsageError(str(wrong.args[0])) from None
    stopping, lock = Event(), Lock()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with out.open("wb", buffering=0) as file:

        def note(probe: WriteAttempt) -> None:
            with lock:
                file.write(orjson.dumps(probe, option=orjson.OPT_APPEND_NEWLINE))

        threads = [
            Thread(target=probe_host, args=(env, host, note, stopping), kwargs={"patient": patient})
            for host in database_hosts(env)
            for patient in (False, True)
        ]
        for thread in threads:
            thread.start()
        while not stopping.wait(1.0):
            pass
        for thread in threads:
            thread.join()
    sys.exit(0)


if __name__ == "__main__":
    main()
