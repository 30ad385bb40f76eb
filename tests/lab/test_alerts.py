"""The alerts that the deploy wrote, and their way to the receiver."""

import json
import time
from pathlib import Path

import pytest

from deploys import derived
from deploys.prometheus.spec import rule_file
from inventory.model import Environment, Role
from inventory.places import lab_dir
from tests.lab.conftest import Run

CASES = Path(__file__).with_name("alerts.yml")


def test_each_alert_fires_when_it_should_and_not_before(deployed: Environment, on_host: Run) -> None:
    rules = ", ".join(rule_file(component) for component, _ in derived.rules())
    cases = CASES.read_text().replace("RULES", rules)
    told = on_host(
        "mon-c",
        "set -e; f=$(mktemp); trap 'rm -f $f' EXIT; cat > $f; promtool test rules $f 2>&1",
        stdin=cases,
    )
    assert told.exit_code == 0, told.output
    assert "SUCCESS" in told.stdout


def _send(env: Environment, on_host: Run, name: str) -> None:
    """Have the monitor's own tool give every Alertmanager an alert, as Prometheus does."""
    for host in env.hosts_with(Role.ALERTMANAGER):
        url = f"http://{host.address}:{env.alerting.port}"
        command = f"amtool --alertmanager.url={url} alert add {name} severity=critical centre=a"
        on_host("mon-c", command)


def _received(name: str) -> list[str]:
    """Return the status of each message about the alert `name` that the receiver has."""
    messages = [json.loads(line) for line in (lab_dir() / "alerts.jsonl").read_text().splitlines()]
    return [m["status"] for m in messages if m["commonLabels"].get("alertname") == name]


def _until_received(name: str, deadline_s: float = 60.0) -> None:
    end = time.monotonic() + deadline_s
    while not _received(name):
        assert time.monotonic() < end, f"no message about {name} in {deadline_s:g} s"
        time.sleep(0.2)


@pytest.fixture
def receiver(deployed: Environment) -> Path:
    """The receiver's file, which is there from the first message on."""
    file = lab_dir() / "alerts.jsonl"
    file.touch()
    return file


def test_an_alert_reaches_people_once_though_both_have_it(
    deployed: Environment, receiver: Path, on_host: Run
) -> None:
    name = f"OnceOnly{time.time_ns()}"
    _send(deployed, on_host, name)
    _until_received(name)
    # The second of the pair would notify 15 s after the first, if it had not heard of it.
    time.sleep(18)
    assert _received(name) == ["firing"]


def test_an_alert_reaches_people_while_one_of_the_pair_is_gone(
    deployed: Environment, receiver: Path, on_host: Run
) -> None:
    name = f"WithOneGone{time.time_ns()}"
    unit = "prometheus-alertmanager.service"
    on_host("app-b", f"systemctl stop {unit}")
    try:
        _send(deployed, on_host, name)
        _until_received(name)
    finally:
        on_host("app-b", f"systemctl start {unit}")
