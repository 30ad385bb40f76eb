"""Database hosts in memory: what an agent can see of its own host, and do to it.

A primary's position grows all the time; standbys copy it, with the epoch in the table, from whom they follow.
What `loanstack-db` does is done to these databases at once; a command it does not know fails the test.
"""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from failover import clock
from failover.agent.agent import Agent
from failover.agent.dependencies import Dependencies
from failover.agent.memory import RejoinedFile
from failover.core.observed import Role
from failover.host.controller import Power
from failover.host.devices import Report
from failover.host.local_state import LocalStateFile
from failover.host.notify import Notify
from failover.host.processes import Running
from failover.host.session import Answer, SessionError
from failover.host.tool import ToolError
from failover.settings_file import parse
from tests.unit.failover.config import settings_file

STEP_S = 0.01
_GREETING = b"\x4a\x00\x00\x00\x0a5.7.25\x00"
_PIDS = itertools.count(1000)


@dataclass
class FakeHost:
    """One host: its database, the folder of its data, and its power."""

    name: str
    address: str
    folder: Path
    others: "dict[str, FakeHost]" = field(default_factory=dict)
    role: Role = Role.STANDBY
    """What the data make of a start."""
    pid: int | None = None
    started_ms: int = 0
    drained: bool = False
    stopped: bool = False
    """SIGSTOP."""
    scn: int = 1_000_000
    epoch: int = 0
    source: str | None = None
    commands: list[str] = field(default_factory=list)
    has_power: bool = True
    device_works: bool = True
    used_by_others: bool = False
    gets_no_log: bool = False
    agent: Agent | None = None
    _agent_task: "asyncio.Task[None] | None" = None
    _stop: asyncio.Event | None = None
    _greeter: asyncio.Server | None = None

    # --- the database

    @property
    def is_running(self) -> bool:
        return self.pid is not None

    @property
    def is_writable(self) -> bool:
        return self.is_running and self.role is Role.PRIMARY and not self.drained and not self.stopped

    def record_role(self, role: Role | None) -> None:
        path = self.folder / "loanstack-role"
        if role is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(f"{role}\n")

    def start(self) -> None:
        if self.drained:
            self.role, self.drained = Role.STANDBY, False
        self.pid, self.started_ms, self.stopped = next(_PIDS), clock.steady_ms(), False

    def end(self) -> None:
        """Whatever ends the process: a crash, a SIGKILL, the host's end."""
        self.pid = None

    def step(self) -> None:
        """Let a little time pass."""
        if self.is_writable:
            self.scn += int(STEP_S * 1e9)
        elif self.is_running and self.role is Role.STANDBY and not self.stopped and not self.gets_no_log:
            source = next((h for h in self.others.values() if h.address == self.source), None)
            if source is not None and source.is_running and source.has_power and source.scn > self.scn:
                self.scn, self.epoch = source.scn, source.epoch

    # --- as seen by its agent: processes

    def look(self) -> Running:
        if self.pid is None:
            return Running()
        return Running(pids=(self.pid,), started_at_ms=self.started_ms, stopped=self.stopped)

    def kill(self) -> tuple[int, ...]:
        pids = () if self.pid is None else (self.pid,)
        self.end()
        return pids

    # --- as seen by its agent: the connection

    async def connect(self) -> "FakeConnection":
        if not self.is_running:
            raise SessionError("nothing listens")
        return FakeConnection(self, self.pid)

    # --- as seen by its agent: loanstack-db

    async def run(self, *arguments: str, deadline_s: float) -> str:
        self.commands.append(" ".join(arguments))
        await asyncio.sleep(0.02)
        match arguments:
            case ("promote", "--fenced"):
                self._must(self.is_running, "the database here is down")
                self.role, self.drained, self.source = Role.PRIMARY, False, None
                self.record_role(Role.PRIMARY)
            case ("take-over", scn):
                self._must(self.is_running and self.scn >= int(scn), "not everything is here")
                self.role = Role.PRIMARY
                self.record_role(Role.PRIMARY)
            case ("hand-over",):
                self._must(self.is_writable, "this is no PRIMARY")
                self.drained = True
                self.record_role(Role.STANDBY)
                return str(self.scn)
            case ("start",) | ("start", "--alone"):
                self._must((self.folder / "loanstack-role").exists(), "no complete database")
                self.start()
            case ("follow", address):
                self.end()
                await asyncio.sleep(0.02)
                self.source = address
                self.start()
            case ("rejoin", address):
                self.end()
                self.record_role(None)
                (self.folder / "loanstack-failover").unlink(missing_ok=True)
                await asyncio.sleep(0.05)
                self.source, self.role, self.drained = address, Role.STANDBY, False
                self.scn = self.epoch = 0
                self.start()
                self.record_role(Role.STANDBY)
            case _:
                raise AssertionError(f"the fake loanstack-db does not know {arguments}")
        return ""

    def kill_tool(self) -> None:
        pass

    def _must(self, holds: bool, complaint: str) -> None:
        if not holds:
            raise ToolError(complaint)

    # --- its agent

    async def start_agent(self, settings: dict[str, Any]) -> None:
        tool = _Tool(self)
        dependencies = Dependencies(
            processes=self,
            connect=self.connect,
            is_open=lambda: self.is_running,
            tool=tool,
            local_state_file=LocalStateFile(self.folder),
            rejoined=RejoinedFile(self.folder.parent / f"{self.name}-rejoined"),
            switch=self._switch,
            verify=_nothing_against,
        )
        self._stop = asyncio.Event()
        self.agent = Agent(parse(settings), dependencies, Notify({}))
        self._agent_task = asyncio.create_task(self.agent.run(self._stop))
        if self._greeter is None:
            await self._listen(settings["sql_port"])

    async def stop_agent(self) -> None:
        """SIGTERM."""
        assert self._stop is not None
        assert self._agent_task is not None
        self._stop.set()
        await self._agent_task
        self.agent = None

    async def kill_agent(self) -> None:
        """SIGKILL: systemd then ends the database that is bound to it."""
        if self._agent_task is not None:
            self._agent_task.cancel()
            await asyncio.gather(self._agent_task, return_exceptions=True)
        self.agent = None
        self.end()

    async def power_off(self) -> None:
        self.has_power = False
        self.end()
        await self.kill_agent()

    async def _switch(self, host: str, power: Power) -> Report:
        other = self.others[host]
        self.commands.append(f"power {host} {power}")
        if not other.device_works:
            return Report(confirmed=False, reason=f"{host}: no route to the device")
        if power is Power.OFF:
            await other.power_off()
        else:
            other.has_power = True
        return Report(confirmed=True, reason=f"{host} is {power.lower()}")

    async def _listen(self, port: int) -> None:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self.is_running and not self.stopped:
                writer.write(_GREETING)
            writer.close()

        self._greeter = await asyncio.start_server(greet, self.address, port)

    async def close(self) -> None:
        await self.kill_agent()
        if self._greeter is not None:
            self._greeter.close()


class _Tool:
    def __init__(self, host: FakeHost) -> None:
        self._host = host

    async def run(self, *arguments: str, deadline_s: float) -> str:
        return await self._host.run(*arguments, deadline_s=deadline_s)

    def kill(self) -> None:
        self._host.kill_tool()

    def is_used_by_others(self) -> bool:
        return self._host.used_by_others


class FakeConnection:
    """A session with the process that ran when it was opened."""

    def __init__(self, host: FakeHost, pid: int | None) -> None:
        self._host, self._pid = host, pid

    async def look(self, *, timeout_s: float) -> Answer:
        host = await self._answering(timeout_s)
        source = host.source if host.role is Role.STANDBY else None
        return Answer(role=host.role, scn=host.scn, drained=host.drained, source=source)

    async def position(self, *, timeout_s: float) -> int:
        return (await self._answering(timeout_s)).scn

    async def dumps(self, *, timeout_s: float) -> int:
        await self._answering(timeout_s)
        return 0

    async def epoch(self, *, timeout_s: float) -> int:
        return (await self._answering(timeout_s)).epoch

    async def set_epoch(self, epoch: int, *, timeout_s: float) -> None:
        host = await self._answering(timeout_s)
        if not host.is_writable:
            raise SessionError("standby is read only")
        host.epoch = epoch

    def close(self) -> None:
        self._pid = None

    async def _answering(self, timeout_s: float) -> FakeHost:
        await asyncio.sleep(0)
        if self._pid is None or self._host.pid != self._pid:
            raise SessionError("lost connection")
        if self._host.stopped:
            await asyncio.sleep(timeout_s)
            raise SessionError("no answer in time")
        return self._host


async def _nothing_against(host: str) -> str | None:
    return None


@dataclass
class FakeHosts:
    """All hosts, and who was seen writable."""

    hosts: dict[str, FakeHost]
    settings: dict[str, dict[str, Any]]
    most_writable: int = 0

    def __getitem__(self, name: str) -> FakeHost:
        return self.hosts[name]

    async def start_agents(self) -> None:
        for name, host in self.hosts.items():
            await host.start_agent(self.settings[name])

    async def pass_time(self) -> None:
        while True:
            for host in self.hosts.values():
                host.step()
            self.most_writable = max(self.most_writable, sum(h.is_writable for h in self.hosts.values()))
            await asyncio.sleep(STEP_S)

    async def until(self, holds: Callable[[], bool], what: str, *, within_s: float) -> float:
        """Wait until something holds; returns how long that took, in seconds."""
        begun = asyncio.get_running_loop().time()
        while not holds():
            waited = asyncio.get_running_loop().time() - begun
            assert waited < within_s, f"waited {within_s} s for {what}: {self.describe()}"
            await asyncio.sleep(STEP_S)
        return asyncio.get_running_loop().time() - begun

    def serves(self, name: str) -> bool:
        """Say whether `name`'s own agent tells services to write there, and that is right."""
        agent = self.hosts[name].agent
        return agent is not None and agent.backend.announcement.answer.host == name and self[name].is_writable

    def describe(self) -> str:
        return json.dumps(
            {
                name: {
                    "role": h.role,
                    "running": h.is_running,
                    "drained": h.drained,
                    "scn": h.scn,
                    "commands": h.commands,
                    "thinks": h.agent.loop.last_decision() if h.agent else None,
                    "answer": str(h.agent.backend.announcement.answer) if h.agent else None,
                }
                for name, h in self.hosts.items()
            },
            indent=1,
        )


@asynccontextmanager
async def hosts(
    folder: Path, endpoints: tuple[str, ...], ca_file: Path, *, names: tuple[str, ...], timing: dict[str, int]
) -> AsyncIterator[FakeHosts]:
    """Yield hosts of these names: the first a primary, the others its standbys; no agent runs yet."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    made = {}
    for number, name in enumerate(names):
        data = folder / name
        data.mkdir()
        made[name] = FakeHost(name=name, address=f"127.77.{worker}.{number + 1}", folder=data)
    first = made[names[0]]
    sql_port, agent_port = await _free_port(first.address), await _free_port(first.address)
    settings = {}
    for name, host in made.items():
        host.others = {n: h for n, h in made.items() if n != name}
        host.role = Role.PRIMARY if host is first else Role.STANDBY
        host.source = None if host is first else first.address
        host.record_role(host.role)
        host.start()
        found = settings_file()
        fence = found["peers"][0]["fence"]
        settings[name] = {
            **found,
            "me": name,
            "address": host.address,
            "sql_port": sql_port,
            "agent": {**found["agent"], "port": agent_port},
            "store": {**found["store"], "endpoints": list(endpoints), "ca_file": str(ca_file)},
            "peers": [
                {"host": n, "address": h.address, "candidate": True, "fence": {**fence, "system": n}}
                for n, h in host.others.items()
            ],
            "timing": {**found["timing"], **timing},
        }
    whole = FakeHosts(hosts=made, settings=settings)
    time = asyncio.create_task(whole.pass_time())
    try:
        yield whole
    finally:
        for host in made.values():
            await host.close()
        time.cancel()


async def _free_port(address: str) -> int:
    server = await asyncio.start_server(lambda *_: None, address, 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


Story = Callable[[FakeHosts], Awaitable[None]]
