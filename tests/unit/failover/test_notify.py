"""What systemd is told, over a real socket; and that nobody waits for it."""

import socket
from pathlib import Path

from failover.host.notify import Notify


def test_it_is_told_by_the_socket_that_the_environment_names(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "PATH": "/usr/bin"}
        notify = Notify(environment)
        assert environment == {"PATH": "/usr/bin"}, "its children would be refused by the manager"
        notify.ready()
        notify.watchdog()
        notify.status("leads")
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STATUS=leads"]
        notify.close()


def test_an_abstract_socket_is_reached_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0loanstack-test-notify")
        notify = Notify({"NOTIFY_SOCKET": "@loanstack-test-notify"})
        notify.ready()
        assert manager.recv(100) == b"READY=1"
        notify.close()


def test_without_a_manager_and_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "none")}):
        notify = Notify(environment)
        notify.watchdog()
        notify.close()


def test_a_manager_that_reads_nothing_holds_nobody(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        notify = Notify({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(2000):
            notify.watchdog()
        notify.close()
