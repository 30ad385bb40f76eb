"""Ingress rules of hosts' firewalls in addition to those that the components need."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ExtraIngressRule:
    """One port for programs that are not ours, such as agents of monitoring, backup and jump hosts."""

    why: str
    """Purpose; becomes the comment of the firewall's rule."""
    port: int
    protocol: str = "tcp"
    """`tcp` or `udp`."""
    sources: tuple[str, ...]
    """Addresses and networks (IPv4) that may reach it."""
    roles: tuple[str, ...] = ()
    """Values of `Role`: the hosts that may be reached; empty: every host."""
