"""Why a load of several workers may prove nothing. Pure."""

from collections.abc import Mapping

from loadtests.results.run_info import RunInfo, WorkerInfo
from proof.clocks import Offset

GENERATOR_CPU_PERCENT_MAX = 90.0
"""Above this, the single event loop of a generator is the bottleneck, and not the measured system."""
CLOCK_APART_MS_MAX = 20.0
"""If clocks are further apart, the workers did not begin together, and times in different records cannot be
compared. Servers that use NTP in one city are within a millisecond or two."""


def spoiled(run_info: RunInfo) -> list[str]:
    """Return a reason for each worker that was lost, whose clock is off, or that had no spare CPU."""
    workers = run_info.workers
    lost = [f"{_name(worker, run_info)} {worker.lost}" for worker in workers if worker.lost is not None]
    # A load that ended early has other reasons; its clocks were not measured a second time, or not at all.
    clocks = [] if lost or run_info.stopped_s is not None else _clocks(run_info)
    busy = [
        f"{_name(worker, run_info)} used {worker.cpu_percent:.0f} % of a core; allowed: at most "
        f"{GENERATOR_CPU_PERCENT_MAX:.0f} %, or it measures itself; ask for more workers"
        for worker in workers
        if worker.cpu_percent > GENERATOR_CPU_PERCENT_MAX
    ]
    fewer = [
        f"{_name(worker, run_info)} recorded {worker.writes_recorded} of {worker.writes_planned} planned"
        f" writes"
        for worker in workers
        if not lost and run_info.stopped_s is None and worker.writes_recorded < worker.writes_planned
    ]
    return lost + clocks + busy + fewer


def _clocks(run_info: RunInfo) -> list[str]:
    known: dict[str, Offset] = {}
    unknown = []
    for worker in run_info.workers:
        if worker.clock_ahead_ms is None or worker.clock_give_or_take_ms is None:
            unknown.append(f"the clock of {_name(worker, run_info)} could not be measured")
        else:
            known[_name(worker, run_info)] = Offset(worker.clock_ahead_ms, worker.clock_give_or_take_ms)
    return unknown + apart(known)


def apart(known: Mapping[str, Offset]) -> list[str]:
    """Return a sentence for each clock that is too far from the control machine's, or from another.

    + known: worker's name -> offset, for clocks that were measured
    """
    reasons = [
        f"the clock of {name} is {clock.ahead_ms:+.1f} ms (give or take {clock.give_or_take_ms:.1f}) from "
        f"the control machine's; allowed: at most {CLOCK_APART_MS_MAX:g} ms"
        for name, clock in known.items()
        if clock.at_most_ms > CLOCK_APART_MS_MAX
    ]
    ahead_ms = [clock.ahead_ms for clock in known.values()]
    if ahead_ms and max(ahead_ms) - min(ahead_ms) > CLOCK_APART_MS_MAX:
        reasons.append(
            f"clocks of workers are {max(ahead_ms) - min(ahead_ms):.1f} ms apart; allowed: at most "
            f"{CLOCK_APART_MS_MAX:g} ms"
        )
    return reasons


def named(number: int, *, of: int, host: str | None) -> str:
    """Return the name of a worker, such as `worker 2 of 4 on load-b`.

    + host: where it runs; None: on the control machine
    """
    return f"worker {number} of {of}" + ("" if host is None else f" on {host}")


def _name(worker: WorkerInfo, run_info: RunInfo) -> str:
    return named(worker.number, of=len(run_info.workers), host=worker.host)
