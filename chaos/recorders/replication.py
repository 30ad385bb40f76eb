"""Measures the replication: the log positions of both sides, a few times a second, until SIGTERM.

    python -m chaos.recorders.replication lab --out runs/mine/replication.jsonl --interval-ms 250

Each line is one sample; a side that does not answer is recorded as null, and the sampler goes on.
"""

import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

import click
import orjson

from chaos.recorders.replay_lag import ReplayLag
from chaos.system.pair import database_hosts
from chaos.system.sql_session import QUESTIONS, RoleAndPosition, SqlSession
from chaos.system.world import PRIMARY
from inventory import environment
from inventory.database_kind import DatabaseKind
from inventory.model import DatabaseRole

INTERVAL_MS = 250.0
_ANSWER_WITHIN_S = 0.15


def scn_lag_ms(_at_s: float, primary: int, standby: int) -> float:
    """Return the lag as the difference of two OceanBase positions, which are nanoseconds."""
    return max(0.0, (primary - standby) / 1e6)


def sample_line(
    at_s: float,
    readings: Mapping[str, RoleAndPosition | None],
    last_primary: str,
    lag_ms: Callable[[float, int, int], float | None] = scn_lag_ms,
) -> tuple[dict[str, object], str]:
    """Return one line of `replication.jsonl`, and the host of the current primary.

    + readings: answer of each database host; None if it did not answer
    + last_primary: primary of the previous sample; kept if no database, or more than one, reports the role
    + lag_ms: computes the lag from time, primary's position and standby's position
    """
    claim = [name for name, reading in readings.items() if reading is not None and reading.role == PRIMARY]
    primary = claim[0] if len(claim) == 1 else last_primary
    standby = next((name for name in readings if name != primary), primary)
    scns = {name: reading.scn if reading else None for name, reading in readings.items()}
    ahead, behind = scns[primary], scns[standby]
    is_pair = len(claim) == 1 and ahead is not None and behind is not None
    line: dict[str, object] = {
        "at_s": at_s,
        "primary_scn": ahead,
        "standby_scn": behind,
        "lag_ms": lag_ms(at_s, ahead, behind) if is_pair and ahead and behind else None,
        "primary_host": primary,
        "standby_host": standby,
        "roles": {name: reading.role if reading else None for name, reading in readings.items()},
    }
    return line, primary


@click.command()
@click.argument("environment_name", metavar="ENV")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@click.option("--interval-ms", type=click.FloatRange(min=50), default=INTERVAL_MS, show_default=True)
@click.option(
    "--database",
    type=click.Choice([each.value for each in DatabaseKind]),
    default=DatabaseKind.OCEANBASE.value,
    show_default=True,
    help="Which pair.",
)
def main(environment_name: str, out: Path, interval_ms: float, database: str) -> None:
    """Sample the replication of ENV until SIGTERM."""
    try:
        env = environment(environment_name)
    except (KeyError, ValueError) as wrong:
        raise click.UsageError(str(wrong.args[0])) from None
    kind = DatabaseKind(database)
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sessions = [SqlSession(env, host, QUESTIONS[kind]) for host in database_hosts(env)]
    lag_ms = scn_lag_ms if kind is DatabaseKind.OCEANBASE else ReplayLag().lag_ms
    primary = next(h.name for h in database_hosts(env) if h.database_role == DatabaseRole.PRIMARY)
    due_s = time.monotonic()
    with out.open("wb", buffering=0) as file:
        while not stopping:
            at_s = time.time()
            for session in sessions:
                session.ask()
            readings = {session.host.name: session.answer(_ANSWER_WITHIN_S) for session in sessions}
            line, primary = sample_line(at_s, readings, primary, lag_ms)
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            due_s = max(due_s + interval_ms / 1000, time.monotonic())
            time.sleep(max(0.0, due_s - time.monotonic()))
    for session in sessions:
        session.close()
    sys.exit(0)


if __name__ == "__main__":
    main()
