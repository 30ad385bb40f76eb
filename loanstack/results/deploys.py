"""Outcome of a deploy, host by host, from its own summary and from pyinfra's plan; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proof.objectives import Objective, evaluate
from proof.verdict import Judgement, failed, overall

SUMMARY_FILE = "deploy.json"
LOG = "pyinfra"
"""Name of the log of what pyinfra said."""
FEW_CHANGES_MAX = 12
"""More changes mean a first deploy or an upgrade, where counts say more than names."""


@dataclass(frozen=True, kw_only=True)
class HostOutcome:
    """Outcome of a deploy on one host."""

    operations: int
    changed: int
    failed: int
    error: str | None = None
    """Failed operation with its message, or why the host was not reached; None if nothing failed."""
    changes: tuple[str, ...] = ()
    """Names of the operations that changed something."""


@dataclass(frozen=True, kw_only=True)
class DeployOutcome:
    """Outcome of a deploy on all its hosts."""

    hosts: Mapping[str, HostOutcome]

    @property
    def failures(self) -> tuple[str, ...]:
        """`host: error` for each host on which the deploy did not complete."""
        return tuple(f"{name}: {host.error or 'failed'}" for name, host in self.hosts.items() if host.failed)

    @property
    def changes(self) -> tuple[str, ...]:
        """`host: operation` for each operation that changed something."""
        return tuple(f"{name}: {change}" for name, host in self.hosts.items() for change in host.changes)

    @property
    def few_changes(self) -> tuple[str, ...]:
        """The changes, if they are few enough to read one by one; else none."""
        return self.changes if len(self.changes) <= FEW_CHANGES_MAX else ()

    def figures(self) -> dict[str, float]:
        """Return the counts under their stable names."""
        return {
            "hosts": len(self.hosts),
            "hosts_failed": len(self.failures),
            "operations": sum(host.operations for host in self.hosts.values()),
            "operations_changed": sum(host.changed for host in self.hosts.values()),
        }


def judged(
    objectives: Sequence[Objective],
    figures: Mapping[str, float],
    found: DeployOutcome,
    *,
    status: int,
    said: str,
) -> Judgement:
    """Return the verdict over a deploy, and why.

    + found: outcome on each host
    + status: exit status of pyinfra
    + said: last lines of pyinfra's output
    """
    ended: list[str] = []
    if status != 0 and not any(host.operations for host in found.hosts.values()):
        ended = [f"pyinfra ended before it did anything and says:\n{said}"]
    elif status != 0 and not found.failures:
        ended = [f"pyinfra ended with status {status} and says:\n{said}"]
    again = any(each.figure == "operations_changed" and not each.met_by(figures) for each in objectives)
    return overall(
        (
            *evaluate(objectives, figures),
            *failed("hosts", found.failures),
            *failed("pyinfra", ended),
            *failed("changed_again", found.changes if again else (), title="changed again"),
        )
    )


def of_summary(summary: Mapping[str, Any] | None, hosts: Sequence[str]) -> DeployOutcome:
    """Return the outcome that a deploy's summary describes.

    + summary: content of the file that `deploys.summary` wrote; None if the run ended before any operation
    + hosts: the hosts of the deploy, in order; a host that the summary lacks was not reached
    """
    found = (summary or {}).get("hosts", {})
    return DeployOutcome(hosts={name: _of_host(found.get(name)) for name in hosts})


def pending(printed: Mapping[str, Any]) -> tuple[str, ...]:
    """Return `host: operation` for each change that a dry run of `pyinfra --json` predicts.

    Operations that run only if another one changed something (restarts) are left out, because a dry run
    predicts them always.
    """
    return tuple(
        f"{name}: {operation['name']}"
        for operation in printed["plan"]
        for name in operation["hosts_with_change"]
    )


def _of_host(found: Mapping[str, Any] | None) -> HostOutcome:
    if found is None:
        return HostOutcome(operations=0, changed=0, failed=1, error="nothing was done on it")
    return HostOutcome(
        operations=int(found["operations"]),
        changed=int(found["changed"]),
        failed=int(found["failed"]),
        error=found.get("error"),
        changes=tuple(found.get("changes", ())),
    )
