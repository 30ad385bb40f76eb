"""Waits for etcd's majority, and keeps its users and rights."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.etcd.facts import TOOL, EtcdMembers, LocalEtcd


@operation()
def answers(deadline_s: int) -> Generator[StringCommand, None, None]:
    """Wait until a majority of etcd answers through this member.

    + deadline_s: time limit; the message names the members that answer
    """
    now = host.get_fact(EtcdMembers)
    if now is not None and now.healthy:
        host.noop(f"a majority answers; other members: {', '.join(now.others) or 'none'}")
        return
    yield StringCommand(f"{TOOL} wait-healthy {deadline_s}")


@operation()
def access_kept() -> Generator[StringCommand, None, None]:
    """Complete users, rights and authentication, from any state that an interrupted run has left.

    This runs on one member only, because all members share one set of users.
    """
    now = host.get_fact(LocalEtcd)
    if now is not None and now.healthy and not now.lacks:
        host.noop("authentication is on; users and rights are whole")
        return
    yield StringCommand(f"{TOOL} grant")
