"""Readiness of the services, and everything scraped."""

import json
import re

import pytest

from deploys.certificate_fitness import DAYS_LEFT_MIN
from deploys.content import TEMPLATES
from deploys.derived import certificates_on, rules, targets
from inventory.model import Environment, Role
from tests.hosts.kit import Machine, eventually

METRIC = "loanstack_certificate_end_timestamp_seconds"


@pytest.mark.roles(Role.LOAN)
def test_loan_services_are_ready(machine: Machine, env: Environment) -> None:
    url = f"http://{machine.spec.address}:{env.loan.port}/readyz"

    def ready() -> bool:
        return (
            machine.run(f"curl --silent --max-time 2 --output /dev/null --write-out '%{{http_code}}' {url}")
            == "200"
        )

    eventually(f"{url} to say 200", ready)


@pytest.mark.roles(Role.MONITOR)
def test_every_target_of_the_inventory_is_up(machine: Machine, env: Environment) -> None:
    wanted = {(t.job, t.address, t.host): "up" for t in targets(env)}
    url = f"http://127.0.0.1:{env.monitoring.prometheus_port}/api/v1/targets"

    def found() -> dict[tuple[str, str, str], str]:
        active = json.loads(machine.run(f"curl --silent --max-time 3 {url}"))["data"]["activeTargets"]
        return {
            (t["labels"]["job"], t["labels"]["instance"], t["labels"]["host"]): t["health"] for t in active
        }

    eventually(f"targets {sorted(wanted)} to be up", lambda: found() == wanted)


@pytest.mark.roles(Role.GATEWAY, Role.ETCD)
def test_certificates_are_read_and_last(machine: Machine, env: Environment) -> None:
    url = f"http://{machine.spec.address}:{env.monitoring.node_exporter_port}/metrics"
    sample = re.compile(rf'^{METRIC}{{path="(.+)"}} (\S+)$', re.MULTILINE)

    def ends() -> dict[str, float]:
        text = machine.run(f"curl --silent --max-time 3 {url}")
        return {path: float(value) for path, value in sample.findall(text)}

    wanted = set(certificates_on(env, machine.spec))
    eventually(f"the ends of {sorted(wanted)} at {url}", lambda: ends().keys() == wanted, deadline_s=60)
    now_s = float(machine.run("date +%s"))
    short = {path: end for path, end in ends().items() if end - now_s < DAYS_LEFT_MIN * 86_400}
    assert short == {}, f"these end in less than {DAYS_LEFT_MIN} days"


@pytest.mark.roles(Role.MONITOR)
def test_every_alert_can_be_evaluated_and_none_fires(machine: Machine, env: Environment) -> None:
    url = f"http://127.0.0.1:{env.monitoring.prometheus_port}/api/v1/rules"

    texts = ((TEMPLATES / template).read_text() for _, template in rules())
    wanted = {name for text in texts for name in re.findall(r"- alert: (\w+)", text)}

    def problems() -> list[str]:
        groups = json.loads(machine.run(f"curl --silent --max-time 3 {url}"))["data"]["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        machine.expect("alerts", found={rule["name"] for rule in found}, wanted=wanted)
        return [
            f"{rule['name']}: {rule['health']}, {rule['state']}"
            for rule in found
            if (rule["health"], rule["state"]) != ("ok", "inactive")
        ]

    eventually("every alert to be evaluated and none to fire", lambda: not problems(), deadline_s=60)
