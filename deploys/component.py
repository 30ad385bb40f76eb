"""What a component is: one part of the stack, and all that the rest of the project must know of it. Pure.

Whatever spans components is a loop over the list in `deploys.components`: see `deploys.derived`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, auto
from importlib import import_module
from types import ModuleType

from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host, Role
from inventory.secrets import Secrets


class Stage(IntEnum):
    """When a step runs: on each host, all steps of a stage run before those of the next."""

    PACKAGES = auto()
    """Settings that need no package, then the packages of all components."""
    HOST = auto()
    """What a host has whatever it serves, and what nothing else on it waits for."""
    ETCD = auto()
    """The etcd members, which the failover agents ask."""
    STOPPED = auto()
    """What must not run beside the database that serves."""
    AGENTS = auto()
    """The failover agents, which start the databases."""
    DATABASES = auto()
    """The primary, with users and tables."""
    SERVICES = auto()
    """What needs the primary, and what watches everything."""
    STANDBY = auto()
    """The standby: a primary younger than about 15 s would refuse it, so it comes after the services."""
    READY = auto()
    """Waits until requests get through."""


BARRIERS = {
    Stage.ETCD: "etcd keeps who leads: on to the databases",
    Stage.AGENTS: "Agents watch the databases: on to the primary",
    Stage.DATABASES: "The primary serves: on to what stands on it",
    Stage.SERVICES: "Everything is started: on to the standby, and to whether all is well",
}
"""Stage -> name of the barrier after it: no host begins the next stage before all hosts are there."""

FOUNDATIONS = (Stage.ETCD, Stage.AGENTS, Stage.DATABASES)
"""Stages that all later ones stand on: a host that fails and has one of their steps ends the run."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One part of a component's deploy."""

    stage: Stage
    deploy: str
    """Name of a function in the component's module `deploy`; it takes the component's `spec`."""
    only_with: DatabaseKind | None = None
    """The step runs only while the services use this database; None: always."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port on which a component listens, and who may reach it for one purpose."""

    number: int | None
    """None for a protocol without ports."""
    why: str
    """Purpose; becomes the comment of the firewall's rule."""
    protocol: str = "tcp"
    """`tcp`, `udp` or `vrrp`."""
    opened_to: tuple[Role, ...] = ()
    """Roles of the other hosts that may reach it, by their segment addresses."""
    sources: tuple[str, ...] = ()
    """Further addresses and networks that may; with no role either, only the host itself reaches it."""
    only_with: DatabaseKind | None = None
    """It is opened only while the services use this database; None: always."""


@dataclass(frozen=True, kw_only=True)
class Scrape:
    """Metrics that Prometheus fetches from each host of a component."""

    job: str
    port: int
    path: str = "/metrics"


@dataclass(frozen=True, kw_only=True)
class Installed:
    """An artifact of the depot that a component installs."""

    name: str
    folder: str | None = None
    """Folder of its versions, with the link `current`; None: it has no such folder."""


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What a component has on one host."""

    packages: tuple[str, ...] = ()
    """RPMs that are installed before it is deployed."""
    ports: tuple[Port, ...] = ()
    """Every port on which it listens; a port with several purposes is named once for each."""
    units: tuple[str, ...] = ()
    """Units that run from each boot on."""
    accounts: tuple[tuple[str, str], ...] = ()
    """(unit, account) for each unit that does not run as root, whoever starts it."""
    secret_files: tuple[str, ...] = ()
    """Files with a value of the secrets file, which root alone can read."""
    service_secret_files: tuple[tuple[str, str], ...] = ()
    """(file, account): the same for a service that reads its secret itself; it alone can read the file."""
    certificate_files: tuple[str, ...] = ()
    """Files with a certificate that its authority signed for this host."""
    artifacts: tuple[Installed, ...] = ()
    scrapes: tuple[Scrape, ...] = ()


def _nothing(_env: Environment, _host: Host) -> Footprint:
    return Footprint()


@dataclass(frozen=True, kw_only=True)
class HostContext:
    """What the spec of a component is computed from."""

    env: Environment
    host: Host
    secrets: Secrets = field(repr=False)
    database_kind: DatabaseKind = DatabaseKind.OCEANBASE
    """The database that the services use."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One part of the stack.

    The module `deploy` of its package has `spec_of(context)` and a function for each step. That module
    imports pyinfra, which patches the process, so only a deploy imports it: the component itself is for
    every program.
    """

    name: str
    package: str
    """Python package of the component, for its module `deploy`."""
    roles: tuple[Role, ...] = ()
    """Roles of the hosts that have it; empty: every host."""
    part_of: str | None = None
    """Name on the command line, if it is converged only together with others of this name."""
    steps: tuple[Step, ...]
    rules: str | None = None
    """Template of its alerts, for Prometheus; None: it has none."""
    footprint: Callable[[Environment, Host], Footprint] = _nothing
    """Returns what it has on a host; by default nothing that another component must know."""

    @property
    def choice(self) -> str:
        """Name on the command line (`--only`)."""
        return self.part_of or self.name

    def is_on(self, host: Host) -> bool:
        """Return whether `host` has this component."""
        return not self.roles or any(host.has(role) for role in self.roles)

    def module(self) -> ModuleType:
        """Return the module `deploy` of this component; imports pyinfra."""
        return import_module(f"{self.package}.deploy")
