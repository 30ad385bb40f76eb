"""Where the workers of a load run: `--workers 4`, here; `--workers load-a,load-b`, on hosts. Pure."""

from dataclasses import dataclass

from inventory.model import Environment, Host, Role
from inventory.ssh import LOAD_PORTS

PER_HOST_MAX = len(LOAD_PORTS)
"""Each has an SSH session; all are opened at once, and sshd drops some of more than ten."""

NO_ABORT = (
    "--abort-on-fail with --workers: each worker sees its own share of the error budget only; "
    "leave out one of the two"
)
"""Why workers do not end a load early."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one worker runs."""

    host: Host | None = None
    """None: this machine."""
    slot: int
    """Which of the workers there, from 1."""

    @property
    def name(self) -> str:
        """What the worker calls itself: `load-a/1`."""
        return f"{'here' if self.host is None else self.host.name}/{self.slot}"


def places(text: str, *, per_host: int | None, env: Environment, users: int) -> tuple[Place, ...]:
    """Return a place for each worker that `--workers` asks for.

    + text: a number of processes of this machine, or hosts of `env`, with commas between
    + per_host: processes on each of the hosts; None: one
    + users: they are shared out, so there are at most so many workers

    Raises:
        ValueError: it cannot be had; says what is allowed.
    """
    hosts: tuple[Host | None, ...]
    if _is_number(text):
        hosts, slots = (None,), _processes_here(text, per_host)
    else:
        hosts, slots = _load_hosts(text, env), _processes_per_host(per_host)
    if not 1 <= slots * len(hosts) <= users:
        asked = text if per_host is None else f"{text} with {per_host} processes each"
        raise ValueError(f"--workers {asked}; allowed: 1 to {users}, the users that they share")
    return tuple(Place(host=host, slot=slot) for slot in range(1, slots + 1) for host in hosts)


def hosts_of(found: tuple[Place, ...]) -> tuple[Host, ...]:
    """Return the hosts among the places, each once."""
    hosts = {place.host.name: place.host for place in found if place.host is not None}
    return tuple(hosts.values())


def not_on_hosts(*, shape: str, target: str | None) -> tuple[str, ...]:
    """Return a sentence for each thing that was asked for and cannot be done on hosts.

    + target: URL in place of the gateways; None: none was asked for
    """
    problems = []
    if shape.startswith("replay:"):
        problems.append(f"--shape {shape}: the file is on this machine; use processes of it (--workers N)")
    if target is not None:
        problems.append(f"--host {target}: hosts make load on the environment's gateways only; leave it out")
    return tuple(problems)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _processes_here(text: str, per_host: int | None) -> int:
    if per_host is not None:
        raise ValueError(f"--processes-per-host with --workers {text}: that is for hosts; leave it out")
    return int(text)


def _processes_per_host(per_host: int | None) -> int:
    count = 1 if per_host is None else per_host
    if not 1 <= count <= PER_HOST_MAX:
        raise ValueError(f"--processes-per-host {per_host}; allowed: 1 to {PER_HOST_MAX}")
    return count


def _load_hosts(text: str, env: Environment) -> tuple[Host, ...]:
    makers = {host.name: host for host in env.hosts_with(Role.LOADGEN)}
    names = [name.strip() for name in text.split(",")]
    allowed = (
        f"a number of processes of this machine, or hosts of role {Role.LOADGEN.value} of {env.name} "
        f"({', '.join(makers) or 'it has none'}), with commas between"
    )
    for name in names:
        if name not in makers:
            raise ValueError(f"--workers {text}: {_what_is(name, env)}; allowed: {allowed}")
    if len(set(names)) < len(names):
        raise ValueError(
            f"--workers {text}: a host twice; for more processes on each: --processes-per-host N"
        )
    return tuple(makers[name] for name in names)


def _what_is(name: str, env: Environment) -> str:
    if _is_number(name):
        return f"{name!r} is a number among hosts"
    for host in env.hosts:
        if host.name == name:
            return f"{name} has role {', '.join(host.roles)}"
    return f"{name!r} is no host of {env.name}"
