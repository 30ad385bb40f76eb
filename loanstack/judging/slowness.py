"""Why a load was too slow: what ran out, and how fast the machine was. Pure but for the files of the run."""

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
    """Say whether an objective of rate, latency or lag was broken; + findings: over the objectives."""
    return any(
        finding.verdict is Verdict.FAIL
        for finding in findings
        if finding.name in _OF_SPEED or finding.name.startswith("latency_")
    )


def explanation(folder: Path, env: Environment, figures: Mapping[str, float]) -> str:
    """Return in one line what ran out during the load in `folder`, and how fast the machine was.

    + figures: of the load; the machine's speed is `machine_loop_cpu_ms`
    """
    ran_out, loop_cpu_ms = statement(evidence.of_folder(folder, env)), figures.get("machine_loop_cpu_ms")
    return ran_out if loop_cpu_ms is None else f"{ran_out}; {machine.speed(loop_cpu_ms)}"
