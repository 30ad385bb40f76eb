"""Puts the agent of one host together, and runs it until it is told to stop."""

import asyncio
import ipaddress
import logging
import signal

import uvloop
from aiohttp import web

from failover import logs
from failover.agent.acting import Acting
from failover.agent.agent_facts import AgentFacts
from failover.agent.changing import Changing
from failover.agent.claiming import Claiming
from failover.agent.etcd_watch import EtcdWatch
from failover.agent.leader_record import LeaderKeeper
from failover.agent.looking import Looking
from failover.agent.loop import Loop, limits_of
from failover.agent.memory import Memory
from failover.agent.metrics import Metrics
from failover.agent.pace import Pace
from failover.agent.parts import Parts, Places, real_parts
from failover.agent.powering import Powering
from failover.agent.self_fence import SelfFence
from failover.api.http import Api
from failover.core.observed import Observed
from failover.etcd.client import EtcdClient
from failover.etcd.history import History
from failover.etcd.history_writer import Recorder
from failover.etcd.http_api import EtcdHttpApi
from failover.host.database import DatabaseWatch
from failover.host.endings import Endings
from failover.host.notify import Notify
from failover.host.peers import PeerWatch
from failover.settings import Settings

_LOG = logging.getLogger("failover.agent")
_SHUTDOWN_S = 0.2


class Agent:
    """The agent of one host; everything with effects outside comes in `parts`."""

    def __init__(self, settings: Settings, parts: Parts, notify: Notify) -> None:
        """Put it together; nothing runs yet."""
        timing = settings.timing
        self._settings = settings
        self._tool = parts.tool
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
        self._recorder = Recorder(History(self._http, self._etcd.keys), settings.me)
        self._database = DatabaseWatch(
            processes=parts.processes,
            connect=parts.connect,
            is_open=parts.is_open,
            interval_ms=timing.loop_interval_ms,
            silent_ms=timing.database_silent_ms,
            is_calm=lambda: pace.is_calm,
            endings=Endings(lambda: self.loop.wake()),
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
            member_text=lambda: self._looking.member_text(),
            on_look=lambda: self.loop.wake(),
        )
        pace.on_stir = self._watch.hurry
        self._looking = Looking(
            settings,
            memory,
            database=self._database,
            etcd=self._watch,
            peers=self._peers,
            rejoined=parts.rejoined,
            used_by_others=parts.tool.is_used_by_others,
        )
        self._acting = self._actors(parts)
        self._self_fence = SelfFence(
            memory,
            self._database,
            self._recorder,
            drop_work=self._drop_work,
            counted=lambda result: metrics.fences.labels("own", result).inc(),
            wake=lambda: self.loop.wake(),
        )
        self.loop = Loop(
            self._limits,
            memory,
            looking=self._looking,
            acting=self._acting,
            self_fence=self._self_fence,
            pace=pace,
            notes=parts.notes,
            metrics=metrics,
            notify=notify,
            background={
                "etcd": self._watch.run,
                "changes in etcd": self._watch.listen,
                "database": self._database.run,
                "peers": self._peers.run,
                "history": self._recorder.run,
                "api": self._serve,
            },
            first_look=self._watch.first_look,
            on_turn=self._turned,
        )
        self._looking.thinks = self.loop.thinks
        self.facts = AgentFacts(
            settings,
            self._limits,
            looking=self._looking,
            watch=self._watch,
            etcd=self._etcd,
            recorder=self._recorder,
            metrics=metrics,
            thinking=self.loop,
            verify=parts.verify,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set."""
        _LOG.info("started", extra={"host": self._settings.me, "environment": self._settings.environment})
        try:
            await self.loop.run(stop)
        finally:
            self.facts.announcement.close()
            await self._http.close()
            self._notify.close()
        _LOG.info("stopped", extra={"host": self._settings.me})

    def _actors(self, parts: Parts) -> Acting:
        settings, memory, timing = self._settings, self.memory, self._settings.timing
        keeper = LeaderKeeper(self._etcd, self._watch, memory)
        claiming = Claiming(
            settings, memory, etcd=self._etcd, watch=self._watch, keeper=keeper, recorder=self._recorder
        )
        changing = Changing(
            settings,
            memory,
            database=self._database,
            tool=parts.tool,
            notes=parts.notes,
            rejoined=parts.rejoined,
            keeper=keeper,
            recorder=self._recorder,
        )
        powering = Powering(
            memory,
            switch=parts.switch,
            keeper=keeper,
            recorder=self._recorder,
            epoch=self._epoch,
            wake=lambda: self.loop.wake(),
            pause_s=timing.loop_interval_ms / 1000,
            counted=lambda result: self._metrics.fences.labels("peer", result).inc(),
        )
        return Acting(
            memory,
            claiming=claiming,
            changing=changing,
            powering=powering,
            wake=lambda: self.loop.wake(),
        )

    def _drop_work(self) -> None:
        """End everything that might start or promote the database."""
        self._tool.kill()
        self._acting.drop()

    def _epoch(self) -> int:
        record = self._watch.record
        return record.leadership.epoch if record else 0

    def _turned(self, seen: Observed) -> None:
        self.facts.announce(seen)

    async def _serve(self) -> None:
        """Serve the API, on the segment and on loopback; ends only when cancelled."""
        application = Api(self.facts, self._settings.agent.keys).application()
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
    parts = real_parts(settings, Places())

    async def whole() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await Agent(settings, parts, Notify()).run(stop)

    uvloop.run(whole())
