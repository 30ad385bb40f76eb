"""Ports listen only where they should, and are reached only from where the inventory allows it.

Every host tries every port of every host at once; what gets through must be exactly what the firewalls'
ingress rules say, no less and no more.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network

import pytest

from deploys.baseline.spec import OTHER_FIREWALL_UNIT, SSH_PORT
from deploys.component import Port
from deploys.derived import footprints, ingress_rules
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host, Role
from tests.hosts.kit import Control, Machine

_CONNECT_LIMIT_S = 1
_PATIENT_LIMIT_S = 5


def _ports_of(env: Environment, host: Host) -> list[Port]:
    return [port for footprint in footprints(env, host) for port in footprint.ports]


def _ports(env: Environment) -> tuple[int, ...]:
    """Every TCP port that something listens on, on whichever host, be it on loopback only."""
    found = {port.number for host in env.hosts for port in _ports_of(env, host) if port.protocol == "tcp"}
    return (SSH_PORT, *sorted(number for number in found if number is not None))


def _may_reach(env: Environment, source: Host, target: Host) -> set[int]:
    """Ports of `target`'s segment address that `source` may open from its own segment address."""
    networks = [
        (o.port, ip_network(s)) for o in ingress_rules(env, target) if o.protocol == "tcp" for s in o.sources
    ]
    return {port for port, network in networks if ip_address(source.address) in network}


def _reached(
    machine: Machine, targets: list[tuple[str, int]], limit_s: int = _CONNECT_LIMIT_S
) -> set[tuple[str, int]]:
    found = machine.run("bash -c %s", _script(targets, limit_s)).split()
    return {(word.partition("/")[0], int(word.partition("/")[2])) for word in found}


def _script(targets: Iterable[tuple[str, int]], limit_s: int = _CONNECT_LIMIT_S) -> str:
    """Return what tries all of them at once and prints those that let it in."""
    words = " ".join(f"{address}/{port}" for address, port in targets)
    return (
        f'for t in {words}; do (timeout {limit_s} bash -c "exec 3<>/dev/tcp/$t" 2>/dev/null '
        "&& echo $t) & done; wait"
    )


@pytest.fixture(scope="module")
def reached(env: Environment, machines: dict[str, Machine]) -> dict[str, set[tuple[str, int]]]:
    """For each host, the (address, port) pairs of the other hosts that let it in."""

    def look(machine: Machine) -> set[tuple[str, int]]:
        others = [h for h in env.hosts if h.name != machine.spec.name]
        return _reached(machine, [(h.address, port) for h in others for port in _ports(env)])

    with ThreadPoolExecutor(len(machines)) as pool:
        return dict(zip(machines, pool.map(look, machines.values()), strict=True))


def test_reaches_exactly_what_it_may(
    machine: Machine, env: Environment, reached: dict[str, set[tuple[str, int]]]
) -> None:
    others = [h for h in env.hosts if h.name != machine.spec.name]
    wanted = {(h.address, port) for h in others for port in _may_reach(env, machine.spec, h)}
    found = set(reached[machine.spec.name])
    missing = sorted(wanted - found)
    if missing:  # on a busy machine a second for everything at once may be short: ask again, one by one
        found |= _reached(machine, missing, _PATIENT_LIMIT_S)
    machine.expect("ports of other hosts that let it in", found=found, wanted=wanted)


def test_the_firewall_stands_and_nothing_may_take_its_place(machine: Machine) -> None:
    assert 'drop comment "what no rule lets in"' in machine.run("nft list table inet loanstack")
    state = machine.run(f"systemctl show --property=LoadState --value {OTHER_FIREWALL_UNIT}").strip()
    assert state in ("masked", "not-found"), "to start it would delete our rules"


def test_listens_only_where_it_should(machine: Machine, env: Environment) -> None:
    # A port for monitors listens on the only monitor too, where it needs no rule.
    allowed = {("tcp", SSH_PORT)} | {
        (port.protocol, port.number)
        for port in _ports_of(env, machine.spec)
        if (port.opened_to or port.sources) and port.only_with in (None, DatabaseKind.OCEANBASE)
    }
    allowed |= {(extra.protocol, extra.port) for extra in ingress_rules(env, machine.spec)}
    machine.expect("ports that it should not listen on", found=_listens(machine) - allowed, wanted=set())


def _listens(machine: Machine) -> set[tuple[str, int]]:
    """Return (protocol, port) of the sockets that another host could reach."""
    found = set()
    for each in machine.probe.socket.get_listening_sockets():
        protocol, _, place = each.partition("://")
        address, _, port = place.rpartition(":")
        is_local = address.startswith("127.") or address == "::1" or address.endswith("%lo")
        if protocol in ("tcp", "udp") and not is_local:
            found.add((protocol, int(port)))
    return found


@pytest.mark.roles(Role.GATEWAY)
def test_clients_reach_the_api_port_only(machine: Machine, env: Environment, client: Control) -> None:
    address = machine.spec.dmz_address
    assert (
        client.run(
            "bash", "-c", f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{env.gateway.port}'"
        ).returncode
        == 0
    )
    others = [(address, port) for port in set(_ports(env)) - {env.gateway.port}]
    assert client.run("bash", "-c", _script(others)).stdout == "", "a client in the DMZ reached this"


def test_clients_do_not_reach_past_the_gateways(env: Environment, client: Control) -> None:
    inside = [(h.address, port) for h in env.hosts for port in _ports(env)]
    assert client.run("bash", "-c", _script(inside)).stdout == "", "a client in the DMZ reached this"
