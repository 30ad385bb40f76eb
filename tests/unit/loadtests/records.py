"""Literal records for the tests."""

from loadtests.results.run_info import RunInfo, WorkerInfo
from proof.record import Outcome, Read, Write

START_S = 1_800_000_000.0


def write(at_s: float, **changed: object) -> Write:
    """A drawdown planned `at_s` after the start, started 1 ms late, acknowledged 9 ms after that."""
    fields: dict[str, object] = {
        "key": f"{at_s:032.6f}",
        "entity": "QH01",
        "operation": "drawdown",
        "route": "/v1/limits/{id}/drawdowns",
        "limit_id": 1_000_000_001,
        "customer_id": 1_000_000_001,
        "amount_fen": 100,
        "planned_s": START_S + at_s,
        "started_s": START_S + at_s + 0.001,
        "ended_s": START_S + at_s + 0.010,
        "outcome": Outcome.ACKNOWLEDGED,
        "status": 201,
    }
    return Write(**{**fields, **changed})


def read(at_s: float, **changed: object) -> Read:
    fields: dict[str, object] = {
        "entity": "QH01",
        "operation": "limit",
        "route": "/v1/limits/{id}",
        "planned_s": START_S + at_s,
        "started_s": START_S + at_s,
        "ended_s": START_S + at_s + 0.005,
        "outcome": Outcome.ACKNOWLEDGED,
        "status": 200,
    }
    return Read(**{**fields, **changed})


def run_info(**changed: object) -> RunInfo:
    """Ten writes a second for four seconds, as planned, by a generator with time to spare."""
    fields: dict[str, object] = {
        "environment": "lab",
        "scenario": "journey",
        "rate_per_s": 10.0,
        "duration_s": 4.0,
        "spacing": "even",
        "run_seed": 1,
        "users": 2,
        "targets": ("https://198.19.0.11:443",),
        "writes_planned": 40,
        "start_s": START_S,
        "stopped_s": None,
        "cpu_percent": 20.0,
        "cpu_ms_per_request": 0.2,
        "memory_mib": 60.0,
        "lateness_p50_ms": 0.5,
        "lateness_p99_ms": 2.0,
        "lateness_max_ms": 9.0,
        "held_back": 0,
    }
    return RunInfo(**{**fields, **changed})


def worker(number: int, **changed: object) -> WorkerInfo:
    """One of two workers that had time to spare, on this machine."""
    fields: dict[str, object] = {
        "number": number,
        "users": 1,
        "writes_planned": 20,
        "writes_recorded": 20,
        "cpu_percent": 10.0,
        "memory_mib": 30.0,
        "lateness_p99_ms": 2.0,
        "held_back": 0,
        "clock_ahead_ms": 0.01,
        "clock_give_or_take_ms": 0.05,
        "lost": None,
    }
    return WorkerInfo(**{**fields, **changed})


def all_acknowledged() -> list[Write]:
    return [write(number / 10.0) for number in range(40)]
