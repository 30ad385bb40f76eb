"""Applies kernel settings, and checks that the firewall does not block this deploy."""

from collections.abc import Generator
from ipaddress import ip_address, ip_network

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.baseline.facts import KernelSettings, SessionOrigin, TransparentHugePages
from deploys.operations.refusal import refusal


@operation()
def settings_applied(
    settings: tuple[tuple[str, str], ...], path: str, why_not: str | None = None
) -> Generator[StringCommand, None, None]:
    """Load `path` if the kernel differs from it.

    + settings: (key, value) pairs of the file
    + path: the file in /etc/sysctl.d
    + why_not: reason not to change this kernel; None if it is the host's own
    """
    if why_not is not None:
        host.noop(f"{path} is written and not applied: {why_not}")
        return
    now = host.get_fact(KernelSettings, keys=tuple(key for key, _ in settings))
    if all(now.get(key) == value for key, value in settings):
        host.noop(f"the kernel runs with {path}")
        return
    yield StringCommand("sysctl --quiet --load=", QuoteString(path), _separator="")


@operation()
def huge_pages_off(path: str, why_not: str | None = None) -> Generator[StringCommand, None, None]:
    """Apply `path` at once if the kernel makes transparent huge pages; at each boot, systemd applies it.

    + path: the file in /etc/tmpfiles.d
    + why_not: reason not to change this kernel; None if it is the host's own
    """
    if why_not is not None:
        host.noop(f"{path} is written and not applied: {why_not}")
        return
    now = host.get_fact(TransparentHugePages)
    if now in (None, "never"):
        host.noop("the kernel makes no transparent huge pages")
        return
    yield StringCommand("systemd-tmpfiles", "--create", QuoteString(path))


@operation()
def spares_this_session(management_network: str) -> Generator[StringCommand, None, None]:
    """Refuse to go on if the rules would block the deploy's own SSH session.

    + management_network: CIDR from which the rules accept SSH
    """
    origin = host.get_fact(SessionOrigin)
    if origin and ip_address(origin) not in ip_network(management_network):
        yield refusal(
            f"{host.name}: this session comes from {origin}; the firewall accepts SSH only from "
            f"management_network = {management_network}. Deploy from there, or correct the inventory"
        )
        return
    host.noop(f"SSH from {origin} stays allowed")
