"""The alerts that the deploy wrote, given series made up for them, by Prometheus' own tool on its host."""

from pathlib import Path

from deploys import derived
from deploys.prometheus.spec import rule_file
from inventory.model import Environment
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
