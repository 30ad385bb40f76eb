"""Applies kernel settings, and keeps the firewall from blocking this deploy and from being replaced."""

from collections.abc import Generator
from ipaddress import ip_address, ip_network

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.baseline.facts import KernelSettings, SessionOrigin, TransparentHugePages, UnitLoadState
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
def assert_ssh_not_locked_out(ssh_sources: tuple[str, ...]) -> Generator[StringCommand, None, None]:
    """Refuse to go on if the rules would block the deploy's own SSH session.

    + ssh_sources: addresses and networks from which the rules accept SSH
    """
    origin = host.get_fact(SessionOrigin)
    if origin and not any(ip_address(origin) in ip_network(source) for source in ssh_sources):
        yield refusal(
            f"{host.name}: this session comes from {origin}; the firewall accepts SSH only from "
            f"{', '.join(ssh_sources)} (management_network, and extra_ingress_rules of that port). Deploy "
            "from there, or correct the inventory"
        )
        return
    host.noop(f"SSH from {origin} stays allowed")


@operation()
def unit_masked(unit: str) -> Generator[StringCommand, None, None]:
    """Stop `unit` and keep everybody from starting it; do nothing on a host that does not have it.

    + unit: full name, like `firewalld.service`
    """
    state = host.get_fact(UnitLoadState, unit=unit)
    if state in ("masked", "not-found"):
        host.noop(f"{unit} is {state}")
        return
    yield StringCommand("systemctl", "mask", "--quiet", "--now", QuoteString(unit))
