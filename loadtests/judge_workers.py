"""Why a load of several workers may prove nothing. Pure."""

from loadtests.facts import LoadFacts, WorkerFacts

GENERATOR_CPU_PERCENT_MAX = 90.0
"""Above this the one event loop of a generator is the bottleneck, not what it measures."""
CLOCK_APART_MS_MAX = 20.0
"""Further apart, the workers did not begin together, and what happened when cannot be told from their records
and the others. Servers that keep time by NTP in one city are within a millisecond or two."""


def spoiled(facts: LoadFacts) -> list[str]:
    """Return a reason for each worker that is lost, whose clock is apart, or that had no CPU to spare."""
    workers = facts.workers
    lost = [f"{_name(worker, facts)} {worker.lost}" for worker in workers if worker.lost is not None]
    # A load that is ended early has other reasons; its clocks were not asked a second time, or not at all.
    clocks = [] if lost or facts.stopped_s is not None else _clocks(facts)
    busy = [
        f"{_name(worker, facts)} used {worker.cpu_percent:.0f} % of a core; allowed: at most "
        f"{GENERATOR_CPU_PERCENT_MAX:.0f} %, or it measures itself; ask for more workers"
        for worker in workers
        if worker.cpu_percent > GENERATOR_CPU_PERCENT_MAX
    ]
    fewer = [
        f"{_name(worker, facts)} recorded {worker.writes_recorded} of {worker.writes_planned} planned writes"
        for worker in workers
        if not lost and facts.stopped_s is None and worker.writes_recorded < worker.writes_planned
    ]
    return lost + clocks + busy + fewer


def _clocks(facts: LoadFacts) -> list[str]:
    reasons = []
    known = []
    for worker in facts.workers:
        name, ahead_ms, give_or_take_ms = (
            _name(worker, facts),
            worker.clock_ahead_ms,
            worker.clock_give_or_take_ms,
        )
        if ahead_ms is None or give_or_take_ms is None:
            reasons.append(f"the clock of {name} could not be measured")
            continue
        known.append(ahead_ms)
        if abs(ahead_ms) + give_or_take_ms > CLOCK_APART_MS_MAX:
            reasons.append(
                f"the clock of {name} is {ahead_ms:+.1f} ms (give or take {give_or_take_ms:.1f}) from the "
                f"control machine's; allowed: at most {CLOCK_APART_MS_MAX:g} ms"
            )
    if known and max(known) - min(known) > CLOCK_APART_MS_MAX:
        reasons.append(
            f"clocks of workers are {max(known) - min(known):.1f} ms apart; allowed: at most "
            f"{CLOCK_APART_MS_MAX:g} ms"
        )
    return reasons


def named(number: int, *, of: int, host: str | None) -> str:
    """Return what a worker is called: `worker 2 of 4 on load-b`.

    + host: where it runs; None: on the control machine
    """
    return f"worker {number} of {of}" + ("" if host is None else f" on {host}")


def _name(worker: WorkerFacts, facts: LoadFacts) -> str:
    return named(worker.number, of=len(facts.workers), host=worker.host)
