"""Everything with effects on this host and on others, in one value, so that tests can replace it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from failover.agent.memory import RejoinedFile
from failover.agent.role_changes import LocalStates, Tool
from failover.host.controller import Power
from failover.host.database import Connection, ProcessSource
from failover.host.devices import Report, switch
from failover.host.local_state import LocalStateFile
from failover.host.processes import Processes, group_file_of, is_open
from failover.host.session import connect
from failover.host.tool import Tool as LoanstackDb
from failover.host.verify import why_no_hand_over
from failover.settings import Settings

_CONNECT_S = 1.0


class OwnTool(Tool, Protocol):
    """The tool, for uses other than actions."""

    def kill(self) -> None:
        """End every run of the tool for this agent."""

    def is_used_by_others(self) -> bool:
        """Say whether another process is using the tool."""


@dataclass(frozen=True, kw_only=True)
class HostPaths:
    """Paths on a database host; the deploy of the database makes them."""

    base_dir: Path = Path("/data/oceanbase")
    root_options: Path = Path("/etc/loanstack/oceanbase-root.cnf")
    run_dir: Path = Path("/run/loanstack-failover")


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """Everything with effects outside this process, except etcd and the network between agents."""

    processes: ProcessSource
    connect: Callable[[], Awaitable[Connection]]
    is_open: Callable[[], bool]
    tool: OwnTool
    local_state_file: LocalStates
    rejoined: RejoinedFile
    switch: Callable[[str, Power], Awaitable[Report]]
    """Switches a host by its fence device."""
    verify: Callable[[str], Awaitable[str | None]]
    """Asks the database of a host whether it would hand over."""


def host_dependencies(settings: Settings, paths: HostPaths) -> Dependencies:
    """Return the parts of this host.

    Raises:
        GroupError: the database's control group cannot be determined.
    """

    async def connected() -> Connection:
        socket = paths.base_dir / "run" / "sql.sock"
        return await connect(socket, paths.root_options, timeout_s=_CONNECT_S)

    async def switched(host: str, power: Power) -> Report:
        peer = settings.peer(host)
        if peer is None:
            return Report(confirmed=False, reason=f"{host} is no host that this agent's settings know")
        return await switch(peer, power)

    async def verified(host: str) -> str | None:
        address = settings.address_of(host)
        if address is None:
            return f"{host} is no host that this agent's settings know"
        return await why_no_hand_over(host, address, settings.sql_port, paths.root_options)

    return Dependencies(
        processes=Processes(group_file_of(settings.database.unit), paths.base_dir / "run" / "seekdb.pid"),
        connect=connected,
        is_open=lambda: is_open(settings.sql_port),
        tool=LoanstackDb(settings.database.tool),
        local_state_file=LocalStateFile(paths.base_dir),
        rejoined=RejoinedFile(paths.run_dir / "rejoined"),
        switch=switched,
        verify=verified,
    )
