"""Why a load was too slow: the exhausted resource, and the machine's speed. Pure but for the run's files."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from inventory.model import Environment
from loanstack.capacity import evidence
from loanstack.capacity.bottleneck import statement
from loanstack.measure import machine
from proof.verdict import Finding, Verdict

TITLE = "Too slow"
_OF_SPEED = ("tps_acknowledged", "tps_answered", "worst_second_ratio", "standby_lag_p99_ms")


def is_too_slow(findings: Iterable[Finding]) -> bool:
    """Say whether an objective of rate, latency or lag was broken; + findings: those of the objectives."""
    return any(
        finding.verdict is Verdict.FAIL
        for finding in findings
        if finding.name in _OF_SPEED or finding.name.startswith("latency_")
    )


def explanation(folder: Path, env: Environment, figures: Mapping[str, float]) -> str:
    """Return one line: which resource ran out during the load in `folder`, and how fast the machine was.

    + figures: figures of the load, with the machine's speed as `machine_loop_cpu_ms`
    """
    ran_out, loop_cpu_ms = statement(evidence.of_folder(folder, env)), figures.get("machine_loop_cpu_ms")
    return ran_out if loop_cpu_ms is None else f"{ran_out}; {machine.speed(loop_cpu_ms)}"
