"""Deploys offline: pyinfra's own preparation, with facts that are told and never asked.

A fact that a test was not told about is an error: a plan that looks at something new must say so here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.api.host import Host as PyinfraHost
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State
from pyinfra.context import ctx_host, ctx_state
from pyinfra.facts.server import Arch, Groups, Os, Users, Which

from deploys import converge
from deploys.baseline.facts import KernelSettings, SessionOrigin, TransparentHugePages, UnitLoadState
from deploys.certificates import authority_certificate, utc_now
from deploys.component import HostContext
from deploys.content import ConfigFile, Folder
from deploys.etcd.facts import EtcdMembers, EtcdState, LocalEtcd
from deploys.facts.artifacts import InstalledArtifact
from deploys.facts.files import PathStates, TextFile
from deploys.facts.health import HttpStatus
from deploys.facts.packages import InstalledPackages
from deploys.facts.services import NO_SERVICE, Service, ServiceState
from deploys.facts.users import User
from deploys.mariadb.facts import LocalMariaDb
from deploys.oceanbase.facts import Answer, DatabaseState, LocalAnswer, LocalDatabase, LocalRole
from deploys.operations import files as file_operations
from deploys.tongweb.facts import InsecureAccounts, ServedPortal, StaleConfiguration
from inventory import artifacts, lab, qinghai
from inventory import secrets as secrets_file
from inventory.availability import Fence
from inventory.model import Environment
from inventory.secrets import Secrets

Facts = dict[type, Callable[..., Any]]

HEALTHY_SERVICE = ServiceState(
    is_loaded=True,
    is_active=True,
    is_enabled=True,
    needs_daemon_reload=False,
    started_ago_s=100,
    settled_ago_s=100,
    file_ages_s={},
)
"""A unit that has run for a while."""


def stale(unit: str, paths: tuple[str, ...] = (), starts: tuple[str, ...] = ()) -> ServiceState:
    """Return the state of a unit that runs while all its files were written after it started."""
    return replace(HEALTHY_SERVICE, file_ages_s=dict.fromkeys(paths, 1.0))


_ARTIFACTS = {
    "seekdb-1.4.0.post1": "5",
    "loan-services-0.1.0": "1",
    "failover-agent-0.1.0": "f",
    "load-generator-0.1.0": "d",
    "host-tools-0.1.0": "8",
    "tongweb-7.0.4.9": "7",
    "jdk-17.0.21": "a",
    "channel-portal-0.1.0": "c",
}


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One operation as it was planned for a host."""

    name: str
    commands: tuple[StringCommand, ...]
    arguments: str
    """What pyinfra itself would print of the operation."""
    is_serial: bool = False
    """Whether hosts take it one after the other."""


@dataclass(kw_only=True)
class Site:
    """An environment with everything that a deploy finds on the control machine."""

    env: Environment
    secrets: Secrets

    def context(self, host_name: str) -> HostContext:
        """Return what the specs of a host are computed from."""
        return HostContext(env=self.env, host=self.env.host(host_name), secrets=self.secrets)

    def written(self, host_name: str) -> tuple[tuple[ConfigFile, ...], tuple[Folder, ...]]:
        """Return the files and folders that a deploy keeps on a host, whatever component they belong to."""
        files: list[ConfigFile] = []
        folders: list[Folder] = []
        converge_files = file_operations.converge

        def noted(**arguments: Any) -> object:
            files.extend(arguments.get("files", ()))
            folders.extend(arguments.get("folders", ()))
            return converge_files(**arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(file_operations, "converge", noted)
            self.plan(host_name, fresh())
        return tuple(files), tuple(folders)

    def plan(
        self, host_name: str, facts: Facts, *, diff: bool = False, data: dict[str, str] | None = None
    ) -> list[Planned]:
        """Return the operations that site.py registers for a host, in order, with their commands."""
        host_data = {"environment": self.env.name, **(data or {})}
        arch = self.env.host(host_name).arch
        facts = {Arch: lambda: arch} | facts
        with prepared(host_name, facts, host_data, diff=diff) as (state, host):
            converge.converge_host()
            found = []
            for op_hash in host.op_hash_order:
                operation = state.ops[host][op_hash]
                meta = state.op_meta[op_hash]
                commands = tuple(c for c in operation.command_generator() if isinstance(c, StringCommand))
                name = ", ".join(sorted(meta.names))
                found.append(
                    Planned(
                        name=name,
                        commands=commands,
                        arguments=f"{meta.args} {meta.names}",
                        is_serial=bool(meta.global_arguments["_serial"]),
                    )
                )
            return found


@contextmanager
def prepared(
    host_name: str, facts: Facts, data: dict[str, str], *, diff: bool = False
) -> Iterator[tuple[State, PyinfraHost]]:
    """Stand where a deploy stands when pyinfra prepares it for one host."""
    inventory = Inventory(([(host_name, data)], {}))  # type: ignore[no-untyped-call]
    state = State(inventory)
    state.config.DIFF = diff
    host = inventory.get_host(host_name)
    assert host is not None

    tell(host, facts)
    with ctx_state.use(state), ctx_host.use(host):
        yield state, host


def tell(host: PyinfraHost, facts: Facts) -> None:
    """Let the plan of `host` know these facts, and no others."""

    def get_fact(cls: type, *_: object, **kwargs: Any) -> object:
        assert cls in facts, f"{host.name}: the plan asks for {cls.__name__}({kwargs}), which no one told it"
        return facts[cls](**kwargs)

    host.get_fact = get_fact  # type: ignore[method-assign, assignment]


def fresh() -> Facts:
    """Return the facts of a host on which nothing was deployed."""
    return {
        PathStates: lambda paths: {},
        TextFile: lambda path: None,
        InstalledPackages: lambda names: {},
        Service: lambda unit, paths=(), starts=(): NO_SERVICE,
        KernelSettings: lambda keys: {},
        TransparentHugePages: lambda: "madvise",
        InstalledArtifact: lambda folder, version="current": None,
        LocalDatabase: lambda: None,
        LocalRole: lambda: None,
        LocalAnswer: lambda query, of_primary=True: None,
        LocalEtcd: lambda: None,
        EtcdMembers: lambda: None,
        LocalMariaDb: lambda: None,
        ServedPortal: lambda url: None,
        InsecureAccounts: list,
        StaleConfiguration: lambda: True,
        HttpStatus: lambda url, options=(): 0,
        SessionOrigin: lambda: "198.18.0.1",
        UnitLoadState: lambda unit: "not-found",
        User: lambda user: None,
        Users: dict,
        Groups: list,
        Os: lambda: "Linux",
        Which: lambda command: f"/usr/sbin/{command}",
    }


def told(site_facts: Facts, changes: Facts) -> Facts:
    """Return facts with some of them told otherwise."""
    return {**site_facts, **changes}


def primary(peer_role: str = "STANDBY") -> DatabaseState:
    return DatabaseState(
        role="PRIMARY", recorded_role="PRIMARY", peer_role=peer_role, scn=2, lag_ms=None, has_tables=True
    )


def standby(lag_ms: int | None = 80) -> DatabaseState:
    return DatabaseState(
        role="STANDBY", recorded_role="STANDBY", peer_role="PRIMARY", scn=1, lag_ms=lag_ms, has_tables=True
    )


def majority(*lacks: str) -> EtcdState:
    return EtcdState(healthy=True, others=("198.18.2.23", "198.18.3.31"), lacks=lacks)


def answer(role: str, *rows: tuple[str, ...]) -> Answer:
    return Answer(role=role, rows=rows)


def site_of(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a filled environment whose files on the control machine live in `folder`."""
    depot = folder / "depot" / "artifacts"
    depot.mkdir(parents=True)
    original = {"lab": lab.ENVIRONMENT, "qinghai": qinghai.ENVIRONMENT}[name]
    (folder / "depot" / original.depot.gpg_key_file).write_text("a public key\n")
    files = {f"{artifact}-%s.tar.gz": digit for artifact, digit in _ARTIFACTS.items()}
    files["tongweb-license-7.0-%s.dat"] = "b"
    files["jdbc-driver-2.7.6-%s.jar"] = "6"
    sums = "".join(
        f"{digit * 64}  {file % arch}\n" for file, digit in files.items() for arch in ("x86_64", "aarch64")
    )
    (depot / "SHA256SUMS").write_text(sums)
    ca_file = folder / "ca-of-others.pem"
    ca_file.write_text(authority_certificate(folder / "others", now=utc_now()))

    def checked(fence: Fence | None) -> Fence | None:
        return fence if fence is None or fence.ca_file is None else replace(fence, ca_file=ca_file)

    env = replace(
        original,
        hosts=tuple(replace(host, fence=checked(host.fence)) for host in original.hosts),
        artifacts=artifacts.listed_in(depot / "SHA256SUMS", base_url=f"{original.depot.url}/artifacts"),
        depot=replace(
            original.depot,
            sums_file=depot / "SHA256SUMS",
            ca_file=None if original.depot.ca_file is None else ca_file,
        ),
        secrets_file=folder / "secrets.json",
        ca_dir=folder / "ca",
    )
    monkeypatch.setattr(converge, "environment", lambda _: env)
    return Site(env=env, secrets=secrets_file.ensure(env.secrets_file, fences=env.fences))


def shown(planned: list[Planned]) -> str:
    """Return everything that pyinfra may print of a plan, at any verbosity."""
    lines = []
    for operation in planned:
        lines += [operation.name, operation.arguments]
        for command in operation.commands:
            lines += [str(command), repr(command), command.get_raw_value()]
    return "\n".join(lines)


def stdin_of(planned: list[Planned]) -> str:
    """Return everything that travels on stdin."""
    found = [c.connector_arguments.get("_stdin", "") for p in planned for c in p.commands]
    return "\n".join(str(text) for text in found)
