"""Queries to the failover agents and etcd, over SSH on their own hosts."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from chaos.system.host_fault import AGENT_UNIT
from chaos.system.hosts import RemotePending
from chaos.system.pair import database_hosts
from chaos.system.shells import Shells
from chaos.system.world import Pending, WorldError
from inventory.model import Environment, Host, Role
from proof.record import Event

_LOOKED_AT_WITHIN_S = 8.0
_TOLD_WITHIN_S = 10.0


@dataclass(frozen=True, kw_only=True)
class View:
    """One agent's view of the leader; implements `chaos.system.world.AgentView`."""

    primary: str | None
    epoch: int | None
    durability: str | None
    alone: str | None = None
    """Reported by the leader's own agent: whether acknowledged writes may exist on its host only."""


def view_of(answer: str) -> View | None:
    """Return the view in an answer to `GET /primary` (body, newline, HTTP status); None if it is damaged."""
    body, _, status = answer.strip().rpartition("\n")
    found = _json(body)
    if status not in ("200", "503") or not isinstance(found, dict):
        return None
    serves = status == "200"
    epoch, durability, alone = found.get("epoch"), found.get("durability"), found.get("alone")
    return View(
        primary=str(found["host"]) if serves and "host" in found else None,
        epoch=epoch if isinstance(epoch, int) else None,
        durability=durability if serves and isinstance(durability, str) else None,
        alone=alone if serves and isinstance(alone, str) else None,
    )


def events_of(answer: str) -> tuple[Event, ...] | None:
    """Return the events in an answer to `GET /history`, oldest first; None if it is no such answer."""
    found = _json(answer)
    if not isinstance(found, list):
        return None
    events = [_event(one) for one in found if isinstance(one, dict) and "at_s" in one and "event" in one]
    return tuple(sorted(events, key=lambda event: event.at_s))


def _event(found: Mapping[str, Any]) -> Event:
    epoch = "" if found.get("epoch") is None else f"epoch {found['epoch']}"
    words = (epoch, str(found.get("detail") or ""))
    return Event(
        at_s=float(found["at_s"]),
        event=str(found["event"]),
        host=found.get("host"),
        detail=": ".join(word for word in words if word) or None,
    )


def _json(text: str) -> object:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(text.encode())
    return None


class SshAgents:
    """The agents of one environment; implements `chaos.system.world.Agents`."""

    def __init__(self, env: Environment, shells: Shells) -> None:
        self._env = env
        self._shells = shells
        self._deployed: bool | None = None

    def are_deployed(self) -> bool:
        """Say whether the hosts have agents; asks the first host that answers, once."""
        if self._deployed is None:
            for host in database_hosts(self._env):
                asked = ["systemctl", "cat", AGENT_UNIT]
                with contextlib.suppress(WorldError):
                    self._deployed = (
                        self._shells.get(host).run(asked, within_s=_LOOKED_AT_WITHIN_S).returncode == 0
                    )
                    break
        return bool(self._deployed)

    def view(self, host: Host, within_ms: float) -> View | None:
        """Ask the agent of `host` for the leader; None if the agent does not answer."""
        answer = self._ask(host, "primary", within_ms / 1000, "-w", "\\n%{http_code}")
        return None if answer is None else view_of(answer)

    def history(self) -> tuple[Event, ...]:
        """Return the agents' history, oldest event first; raises WorldError if no agent answers."""
        for host in database_hosts(self._env):
            answer = self._ask(host, "history", _TOLD_WITHIN_S)
            events = None if answer is None else events_of(answer)
            if events is not None:
                return events
        raise WorldError("no failover agent tells its history")

    def switchover(self, source: Host, to: Host) -> Pending:
        """Ask the agent of the primary `source` to hand over to `to`."""
        asked = ["loanstack-failover", "switchover", "--to", to.name]
        return RemotePending(self._shells.get(source).begin(asked), source, f"switchover to {to.name}")

    def _ask(self, host: Host, path: str, within_s: float, *options: str) -> str | None:
        url = f"http://127.0.0.1:{self._env.failover.agent_port}/{path}"
        asked = ["curl", "-s", "--max-time", f"{within_s:.3f}", *options, url]
        try:
            done = self._shells.get(host).run(asked, within_s=within_s + 1)
        except WorldError:
            return None
        return done.stdout if done.returncode == 0 else None


class SshEtcd:
    """The etcd members of one environment; implements `chaos.system.world.Etcd`."""

    def __init__(self, env: Environment, shells: Shells) -> None:
        self._env = env
        self._shells = shells

    def healthy(self) -> dict[str, bool]:
        """Return {member: whether it answers as part of a majority}."""
        return {host.name: self._is_healthy(host) for host in self._env.hosts_with(Role.ETCD)}

    def _is_healthy(self, host: Host) -> bool:
        asked = ["loanstack-etcd", "wait-healthy", "1"]
        try:
            return self._shells.get(host).run(asked, within_s=_LOOKED_AT_WITHIN_S).returncode == 0
        except WorldError:
            return False
