"""Makes and removes the network of `lab.network` on this machine, with iproute2 and nftables.

Every step first removes things of the same name that an interrupted run may have left. Removing a missing
thing is no error. So both making and removing can be repeated.

One thing stays when a lab is removed: the machine's own route that makes `LAB_RANGE` unreachable. Without it,
a later connection to a host of the lab would take the default route, and leave the machine.
"""

import subprocess
from collections.abc import Iterable, Sequence

from lab.commands import run
from lab.network import (
    ALERT_RECEIVER_PORT,
    DEPOT_PORT,
    LAB_RANGE,
    MANAGEMENT_BRIDGE,
    POWER_SWITCH_PORT,
    ROUTER,
    HostNetwork,
    NetworkPlan,
)

_DEADLINE_S = 20.0
FIREWALL_TABLE = "loanstack_lab"
_QUIET = (
    # IPv6 would only add neighbour discovery traffic, and a way around the IPv4 rules.
    "net.ipv6.conf.all.disable_ipv6=1",
    "net.ipv6.conf.default.disable_ipv6=1",
    # A switch has no firewall. With one, each frame would pass netfilter twice: 5 % of a busy gateway's CPU.
    "net.bridge.bridge-nf-call-iptables=0",
    "net.bridge.bridge-nf-call-ip6tables=0",
    "net.bridge.bridge-nf-call-arptables=0",
)

_OPEN_PORTS = ", ".join(map(str, (DEPOT_PORT, POWER_SWITCH_PORT, ALERT_RECEIVER_PORT)))
_FIREWALL = f"""
table inet {FIREWALL_TABLE}
delete table inet {FIREWALL_TABLE}
table inet {FIREWALL_TABLE} {{
    chain forward {{
        type filter hook forward priority -10; policy accept;
        iifname "{MANAGEMENT_BRIDGE}" drop
        oifname "{MANAGEMENT_BRIDGE}" drop
    }}
    chain input {{
        type filter hook input priority -10; policy accept;
        iifname "{MANAGEMENT_BRIDGE}" tcp dport {{ {_OPEN_PORTS} }} accept
        iifname "{MANAGEMENT_BRIDGE}" tcp flags & (syn | ack) == syn reject
    }}
}}
"""
"""Hosts reach three servers of this machine only: depot, power switch, receiver of alerts."""


def lay_common(plan: NetworkPlan) -> None:
    """Make the bridges, the router, the DMZ switch and the clients' namespace."""
    _make_namespaces({b.namespace for b in plan.bridges if b.namespace is not None})
    for namespace in {b.namespace for b in plan.bridges}:
        lines = []
        for bridge in plan.bridges:
            if bridge.namespace == namespace:
                # No forwarding delay: a port passes frames as soon as it is connected.
                lines += [
                    f"link add {bridge.name} type bridge forward_delay 0",
                    f"link set {bridge.name} addrgenmode none",
                    f"link set {bridge.name} up",
                ]
                if bridge.address is not None:
                    lines.append(f"addr add {bridge.address} dev {bridge.name}")
        if not _is_blocked(namespace):
            lines.append(f"route add unreachable {LAB_RANGE}")
        _batch(namespace, lines)
    _sysctl(ROUTER, "net.ipv4.ip_forward=1")
    run(["nft", "-f", "-"], doing="close the machine to lab hosts", deadline_s=_DEADLINE_S, stdin=_FIREWALL)
    lay_host(plan.client)


def lay_host(part: HostNetwork) -> None:
    """Make a host's namespace and connect its cables."""
    # The kernel removes the cables of a removed namespace only some time later, but the names of their ports
    # must be free now.
    unplug(part)
    _make_namespaces([part.namespace])
    for cable in part.cables:
        far_end = f"name {cable.interface} address {cable.mac} netns {cable.namespace}"
        _batch(
            cable.bridge_namespace,
            [
                f"link add {cable.port} type veth peer {far_end}",
                f"link set {cable.port} addrgenmode none master {cable.bridge} up",
            ],
        )
    lines = [f"addr add {c.address} dev {c.interface}" for c in part.cables]
    lines += [f"link set {c.interface} up" for c in part.cables]
    if part.gateway is not None:
        lines.append(f"route add {LAB_RANGE} via {part.gateway}")
    _batch(part.namespace, lines)


def unplug(part: HostNetwork) -> None:
    """Remove a host's cables at once: its peers then receive nothing from it, not even a reset."""
    for cable in part.cables:
        _ignore_missing(_ip(cable.bridge_namespace, "link", "del", cable.port))


def remove_namespaces(names: Iterable[str]) -> None:
    """Remove the named network namespaces and everything connected to them."""
    there = namespaces()
    for name in names:
        if name in there:
            _ignore_missing(["ip", "netns", "del", name])


def remove_common(plan: NetworkPlan) -> None:
    """Remove everything of the plan, hosts included; `LAB_RANGE` stays unreachable for this machine."""
    remove_namespaces(plan.namespaces)
    for name in plan.machine_interfaces:
        _ignore_missing(["ip", "link", "del", name])
    _ignore_missing(["nft", "delete", "table", "inet", FIREWALL_TABLE])


def namespaces() -> frozenset[str]:
    """Return the names of this machine's network namespaces."""
    listing = run(["ip", "netns", "list"], doing="list network namespaces", deadline_s=_DEADLINE_S)
    return frozenset(line.split()[0] for line in listing.splitlines() if line.strip())


def leftovers(plan: NetworkPlan) -> list[str]:
    """Return a description of each part of the plan that exists on this machine; empty if there is none."""
    found = [f"network namespace {name}" for name in plan.namespaces if name in namespaces()]
    listing = run(["ip", "-o", "link", "show"], doing="list interfaces", deadline_s=_DEADLINE_S)
    names = {line.split(":")[1].strip().split("@")[0] for line in listing.splitlines()}
    found += [f"interface {name}" for name in plan.machine_interfaces if name in names]
    tables = run(["nft", "list", "tables"], doing="list nftables tables", deadline_s=_DEADLINE_S)
    found += [f"nftables table inet {FIREWALL_TABLE}"] * (FIREWALL_TABLE in tables.split())
    return found


def _is_blocked(namespace: str | None) -> bool:
    """Return whether an earlier lab left the route that makes `LAB_RANGE` unreachable."""
    asked = _ip(namespace, "route", "show", "type", "unreachable")
    return LAB_RANGE in run(asked, doing="list routes", deadline_s=_DEADLINE_S).split()


def _make_namespaces(names: Iterable[str]) -> None:
    names = list(names)
    remove_namespaces(names)
    for name in names:
        run(["ip", "netns", "add", name], doing=f"make namespace {name}", deadline_s=_DEADLINE_S)
        _sysctl(name, *_QUIET)
        _batch(name, ["link set lo up"])


def _sysctl(namespace: str, *settings: str) -> None:
    run(
        ["ip", "netns", "exec", namespace, "sysctl", "-e", "-q", "-w", *settings],
        doing=f"set {', '.join(settings)} in namespace {namespace}",
        deadline_s=_DEADLINE_S,
    )


def _ip(namespace: str | None, *arguments: str) -> list[str]:
    return ["ip", *(("-n", namespace) if namespace is not None else ()), *arguments]


def _batch(namespace: str | None, lines: Sequence[str]) -> None:
    run(
        _ip(namespace, "-batch", "-"),
        doing=f"lay the network of namespace {namespace or '(machine)'}",
        deadline_s=_DEADLINE_S,
        stdin="".join(f"{line}\n" for line in lines),
    )


def _ignore_missing(command: Sequence[str]) -> None:
    # The exit status says only whether the thing existed; `leftovers` checks whether it still exists.
    subprocess.run(command, capture_output=True, check=False, timeout=_DEADLINE_S)
