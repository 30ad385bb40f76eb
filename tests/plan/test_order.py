"""The order in which pyinfra runs the operations of all hosts together."""

import pyinfra
import pytest
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State, StateStage
from pyinfra.context import ctx_host, ctx_state
from pyinfra.facts.server import Arch

from deploys import converge
from deploys.component import BARRIERS
from tests.plan.kit import Site, fresh, tell, told


def _order(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the operations as the command pyinfra orders them."""
    monkeypatch.setattr(pyinfra, "is_cli", True)
    data = {"environment": site.env.name}
    inventory = Inventory(([(host.name, data) for host in site.env.hosts], {}))  # type: ignore[no-untyped-call]
    state = State(inventory)
    state.current_stage = StateStage.Prepare
    with ctx_state.use(state):
        for host in inventory:
            arch = site.env.host(host.name).arch
            tell(
                host,
                told(fresh(), {Arch: lambda arch=arch: arch}),
            )
            with ctx_host.use(host):
                converge.converge_host()
    return [" AND ".join(sorted(state.op_meta[each].names)) for each in state.get_op_order()]


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
def test_operations_of_two_components_never_count_as_one(
    request: pytest.FixtureRequest, site_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = _order(request.getfixturevalue(site_name), monkeypatch)
    assert [name for name in order if " AND " in name] == []
    assert len(set(order)) == len(order)


def test_all_hosts_wait_for_each_other_between_stages(
    lab_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = _order(lab_site, monkeypatch)
    kept, watched, serves, started = (order.index(name) for name in BARRIERS.values())
    assert order.index("etcd | Keep etcd's users and rights") < kept
    assert kept < order.index("Failover agent | Install the failover agent")
    assert order.index("Failover agent | Keep the failover agent running beside the primary") < watched
    assert watched < order.index("OceanBase | Keep the database running (primary at first)")
    assert order.index("OceanBase | Keep schema and rights") < serves
    assert serves < order.index("Loan services | Know the services' user")
    assert order.index("TongWeb and the channel portal | Have the portal served") < started


def test_gateways_are_waited_for_when_what_they_lead_to_is_ready(
    lab_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have half the time of the loan services, and no operation of theirs comes in between."""
    order = _order(lab_site, monkeypatch)
    last = [name for name in order if name.startswith(("OceanBase standby", "Loan services' r", "Gateway's"))]
    assert last[:3] == [
        "OceanBase standby | Keep the database running (standby at first)",
        "Loan services' readiness | Wait for the loan services to be ready",
        "Gateway's way through | Wait for the way through the gateway",
    ]
