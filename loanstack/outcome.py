"""What pyinfra's own JSON says about a run, host by host; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class HostOutcome:
    """One host's share of a deploy."""

    operations: int
    changed: int
    failed: int
    failed_at: str | None = None
    """Name of the operation it failed at; None if it did not, or could not even be reached."""


@dataclass(frozen=True, kw_only=True)
class DeployOutcome:
    """A deploy, whole."""

    hosts: Mapping[str, HostOutcome]
    changed: tuple[str, ...]
    """`host: operation` for each that changed something."""

    @property
    def failed_hosts(self) -> tuple[str, ...]:
        """Hosts that did not get to the end."""
        return tuple(name for name, host in self.hosts.items() if host.failed)

    def figures(self) -> dict[str, float]:
        """Return the counts under their stable names."""
        return {
            "hosts": len(self.hosts),
            "hosts_failed": len(self.failed_hosts),
            "operations": sum(host.operations for host in self.hosts.values()),
            "operations_changed": sum(host.changed for host in self.hosts.values()),
        }

    def as_json(self) -> dict[str, Any]:
        """Return the content of `deploy.json`."""
        return {
            "hosts": {name: asdict(host) for name, host in self.hosts.items()},
            "changed": list(self.changed),
        }


def of_deploy(printed: Mapping[str, Any], hosts: Sequence[str]) -> DeployOutcome:
    """Return the outcome in what `pyinfra --json` printed after a deploy.

    + hosts: the hosts it was for, in order
    """
    operations = printed["results"]["operations"]
    failed = set(printed["results"]["failed_hosts"])
    return DeployOutcome(
        hosts={name: _of_host(name, operations, failed) for name in hosts},
        changed=tuple(
            f"{name}: {operation['name']}" for operation in operations for name in operation["success"]
        ),
    )


def unreached(hosts: Sequence[str]) -> DeployOutcome:
    """Return the outcome of a deploy that ended before any operation: all hosts failed."""
    nothing = HostOutcome(operations=0, changed=0, failed=1)
    return DeployOutcome(hosts=dict.fromkeys(hosts, nothing), changed=())


def pending(printed: Mapping[str, Any]) -> tuple[str, ...]:
    """Return `host: operation` for what a dry run would change.

    Operations that hang on another one's change (restarts) are left out: a dry run predicts them always.
    """
    return tuple(
        f"{name}: {operation['name']}"
        for operation in printed["plan"]
        for name in operation["hosts_with_change"]
    )


def _of_host(name: str, operations: Sequence[Mapping[str, Any]], failed: set[str]) -> HostOutcome:
    changed = [op for op in operations if name in op["success"]]
    unchanged = [op for op in operations if name in op["no_change"]]
    # After a failure pyinfra also counts the operations that were never tried as errors: the first is it.
    errors = [op["name"] for op in operations if name in op["error"]]
    return HostOutcome(
        operations=len(changed) + len(unchanged),
        changed=len(changed),
        failed=1 if errors or name in failed else 0,
        failed_at=errors[0] if errors else None,
    )
