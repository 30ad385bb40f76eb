"""Puts the agent of one host together, and runs it until it is told to stop."""

import asyncio
import ipaddress
import logging
import signal

import uvloop
from aiohttp import web

from failover import logs
from failover.agent.api_backend import ApiBackend
from failover.agent.dependencies import Dependencies, HostPaths, host_dependencies
from failover.agent.etcd_watch import EtcdWatch
from failover.agent.executor import Executor
from failover.agent.leader_lock import LeaderLock
from failover.agent.leader_record import LeaderRecordUpdater
from failover.agent.limits import limits_of
from failover.agent.loop import Loop
from failover.agent.memory import Memory
from failover.agent.metrics import Metrics
from failover.agent.observer import Observer
from failover.agent.pace import Pace
from failover.agent.power_control import PowerControl
from failover.agent.role_changes import RoleChanges
from failover.agent.self_fence import SelfFence
from failover.api.http import Api
from failover.core.observed import Observed
from failover.etcd.client import EtcdClient
from failover.etcd.history import History
from failover.etcd.history_writer import HistoryWriter
from failover.etcd.http_api import EtcdHttpApi
from failover.host.database import DatabaseWatch
from failover.host.exit_watch import ExitWatch
from failover.host.notify import Notify
from failover.host.peers import PeerWatch
from failover.settings import Settings

_LOG = logging.getLogger("failover.agent")
_SHUTDOWN_S = 0.2


class Agent:
    """The agent of one host; everything with effects outside comes in `dependencies`."""

    def __init__(self, settings: Settings, dependencies: Dependencies, notify: Notify) -> None:
        """Put it together; nothing runs yet."""
        timing = settings.timing
        self._settings = settings
        self._tool = dependencies.tool
        self._notify = notify
        self._limits = limits_of(settings)
        self._metrics = metrics = Metrics()
        self._http = EtcdHttpApi(
            settings.store,
            timeout_ms=timing.store_timeout_ms,
            on_failure=lambda endpoint: metrics.etcd_errors.labels(endpoint).inc(),
        )
        self._etcd = EtcdClient(self._http, settings.environment)
        self.memory = memory = Memory()
        pace = Pace(busy_ms=timing.loop_interval_ms, calm_ms=timing.calm_interval_ms)
        self._history = HistoryWriter(History(self._http, self._etcd.keys), settings.me)
        self._database = DatabaseWatch(
            processes=dependencies.processes,
            connect=dependencies.connect,
            is_open=dependencies.is_open,
            interval_ms=timing.loop_interval_ms,
            silent_ms=timing.database_silent_ms,
            is_calm=lambda: pace.is_calm,
            exit_watch=ExitWatch(lambda: self.loop.wake()),
        )
        self._peers = PeerWatch(
            settings.peers,
            sql_port=settings.sql_port,
            agent_port=settings.agent.port,
            token=settings.agent.token,
            pause=pace.pause,
        )
        self._watch = EtcdWatch(
            self._etcd,
            memory,
            me=settings.me,
            timing=timing,
            pace=pace,
            member_text=lambda: self._observer.member_text(),
            on_read=lambda: self.loop.wake(),
        )
        pace.on_disturbance = self._watch.recheck_now
        self._observer = Observer(
            settings,
            memory,
            database=self._database,
            etcd=self._watch,
            peers=self._peers,
            rejoined=dependencies.rejoined,
            used_by_others=dependencies.tool.is_used_by_others,
        )
        self._executor = self._make_executor(dependencies)
        self._self_fence = SelfFence(
            memory,
            self._database,
            self._history,
            cancel_work=self._cancel_work,
            on_result=lambda result: metrics.fences.labels("own", result).inc(),
            wake=lambda: self.loop.wake(),
        )
        self.loop = Loop(
            self._limits,
            memory,
            observer=self._observer,
            executor=self._executor,
            self_fence=self._self_fence,
            pace=pace,
            local_state_file=dependencies.local_state_file,
            metrics=metrics,
            notify=notify,
            background={
                "etcd": self._watch.run,
                "changes in etcd": self._watch.listen,
                "database": self._database.run,
                "peers": self._peers.run,
                "history": self._history.run,
                "api": self._serve,
            },
            first_read=self._watch.first_read,
            on_cycle=self._on_cycle,
        )
        self._observer.last_decision = self.loop.last_decision
        self.backend = ApiBackend(
            settings,
            self._limits,
            observer=self._observer,
            watch=self._watch,
            etcd=self._etcd,
            history_writer=self._history,
            metrics=metrics,
            loop=self.loop,
            verify=dependencies.verify,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set."""
        _LOG.info("started", extra={"host": self._settings.me, "environment": self._settings.environment})
        try:
            await self.loop.run(stop)
        finally:
            self.backend.announcement.close()
            await self._http.close()
            self._notify.close()
        _LOG.info("stopped", extra={"host": self._settings.me})

    def _make_executor(self, dependencies: Dependencies) -> Executor:
        settings, memory, timing = self._settings, self.memory, self._settings.timing
        updater = LeaderRecordUpdater(self._etcd, self._watch, memory)
        leader_lock = LeaderLock(
            settings,
            memory,
            etcd=self._etcd,
            watch=self._watch,
            updater=updater,
            history_writer=self._history,
        )
        role_changes = RoleChanges(
            settings,
            memory,
            database=self._database,
            tool=dependencies.tool,
            local_state_file=dependencies.local_state_file,
            rejoined=dependencies.rejoined,
            updater=updater,
            history_writer=self._history,
        )
        power_control = PowerControl(
            memory,
            switch=dependencies.switch,
            updater=updater,
            history_writer=self._history,
            epoch=self._epoch,
            wake=lambda: self.loop.wake(),
            pause_s=timing.loop_interval_ms / 1000,
            on_result=lambda result: self._metrics.fences.labels("peer", result).inc(),
        )
        return Executor(
            memory,
            leader_lock=leader_lock,
            role_changes=role_changes,
            power_control=power_control,
            wake=lambda: self.loop.wake(),
        )

    def _cancel_work(self) -> None:
        """End everything that might start or promote the database."""
        self._tool.kill()
        self._executor.cancel()

    def _epoch(self) -> int:
        record = self._watch.record
        return record.leadership.epoch if record else 0

    def _on_cycle(self, seen: Observed) -> None:
        self.backend.announce(seen)

    async def _serve(self) -> None:
        """Serve the API, on the segment and on loopback; ends only when cancelled."""
        application = Api(self.backend, self._settings.agent.keys).application()
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        try:
            for address in _addresses(self._settings.address):
                await web.TCPSite(runner, address, self._settings.agent.port, reuse_address=True).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


def _addresses(own: str) -> tuple[str, ...]:
    """Return the addresses of the API: the segment for services, loopback for operators."""
    return (own,) if ipaddress.ip_address(own).is_loopback else (own, "127.0.0.1")


def run_agent(settings: Settings) -> None:
    """Run the agent of this host until SIGTERM or SIGINT.

    Raises:
        GroupError: the database's control group cannot be determined.
    """
    logs.configure()
    dependencies = host_dependencies(settings, HostPaths())

    async def whole() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await Agent(settings, dependencies, Notify()).run(stop)

    uvloop.run(whole())
