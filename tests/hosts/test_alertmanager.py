"""The pair that brings alerts to people."""

import json

import pytest

from inventory.model import Environment, Role
from tests.hosts.kit import Machine, eventually


@pytest.mark.roles(Role.ALERTMANAGER)
def test_it_sees_every_other(machine: Machine, env: Environment) -> None:
    url = f"http://{machine.spec.address}:{env.alerting.port}/api/v2/status"
    wanted = {f"{host.address}:{env.alerting.cluster_port}" for host in env.hosts_with(Role.ALERTMANAGER)}

    def seen() -> set[str]:
        cluster = json.loads(machine.run(f"curl --silent --max-time 3 {url}"))["cluster"]
        return {peer["address"] for peer in cluster["peers"]}

    eventually(f"the pair to be {sorted(wanted)}", lambda: seen() == wanted)


@pytest.mark.roles(Role.MONITOR)
def test_prometheus_sends_to_all_of_them(machine: Machine, env: Environment) -> None:
    url = f"http://127.0.0.1:{env.monitoring.prometheus_port}/api/v1/alertmanagers"
    wanted = {
        f"http://{host.address}:{env.alerting.port}/api/v2/alerts"
        for host in env.hosts_with(Role.ALERTMANAGER)
    }

    def found() -> set[str]:
        active = json.loads(machine.run(f"curl --silent --max-time 3 {url}"))["data"]["activeAlertmanagers"]
        return {each["url"] for each in active}

    eventually(f"alertmanagers {sorted(wanted)}", lambda: found() == wanted)
