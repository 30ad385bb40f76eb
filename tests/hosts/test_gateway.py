"""The gateway as clients in the DMZ meet it."""

import pytest

from deploys import platform
from deploys.gateway.deploy import PRIVATE_KEY
from deploys.virtual_addresses.spec import UNIT
from inventory.model import Environment, Role
from tests.hostile_paths import HOSTILE_PATHS, REFUSED
from tests.hosts import facts
from tests.hosts.kit import Control, Machine

pytestmark = pytest.mark.roles(Role.GATEWAY)


def _curl(client: Control, env: Environment, machine: Machine, path: str, *options: str) -> tuple[int, str]:
    """Return curl's exit code, and the body with the status as its last line."""
    name, port = env.gateway.server_name, env.gateway.port
    done = client.run(
        "curl", "--silent", "--max-time", "5", "--write-out", "\n%{http_code}",
        "--resolve", f"{name}:{port}:{machine.spec.dmz_address}",
        *options, f"https://{name}:{port}{path}",
    )  # fmt: skip
    return done.returncode, done.stdout


def _trusting(env: Environment) -> tuple[str, str]:
    return "--cacert", str(env.ca_dir / "ca.pem")


def test_gets_through_to_the_services(machine: Machine, env: Environment, client: Control) -> None:
    code, body = _curl(client, env, machine, "/healthz", *_trusting(env))
    assert (code, body.splitlines()[-1]) == (0, "200")


def test_certificate_is_signed_by_our_authority_only(
    machine: Machine, env: Environment, client: Control
) -> None:
    unknown_issuer = 60
    assert _curl(client, env, machine, "/healthz")[0] == unknown_issuer
    address = f"{machine.spec.dmz_address}:{env.gateway.port}"
    by_address = client.run(
        "curl", "--silent", "--max-time", "5", *_trusting(env), f"https://{address}/healthz"
    )
    assert by_address.returncode == 0, "the certificate must name the address as well"


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_nothing_else_is_reachable(machine: Machine, env: Environment, client: Control, path: str) -> None:
    """Neither by its name nor by a path that nginx and the portal's container read differently."""
    options = ("--path-as-is", "--request-target", path)
    _, body = _curl(client, env, machine, "/", *_trusting(env), *options)
    assert int(body.splitlines()[-1]) in REFUSED


@pytest.mark.parametrize(
    ("path", "text"), [("/", "青海农牧区信贷服务"), ("/bo.html", "མཚོ་སྔོན་"), ("/mn.html", "ᠬᠥᠬᠡ ᠨᠠᠭᠤᠷ")]
)
def test_the_portals_pages_come_through_in_their_scripts(
    machine: Machine, env: Environment, client: Control, path: str, text: str
) -> None:
    code, body = _curl(client, env, machine, path, *_trusting(env))
    assert (code, body.splitlines()[-1]) == (0, "200")
    assert text in body


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
def test_the_api_is_at_two_addresses(
    machine: Machine, env: Environment, client: Control, prefix: str
) -> None:
    options = ("--header", f"X-Legal-Entity: {env.entities[0].code}")
    _, body = _curl(client, env, machine, f"{prefix}/products", *_trusting(env), *options)
    assert body.splitlines()[-1] == "200", body


def test_old_tls_is_refused(machine: Machine, env: Environment, client: Control) -> None:
    assert _curl(client, env, machine, "/healthz", *_trusting(env), "--tls-max", "1.1")[0] != 0


def test_errors_of_the_services_come_through(machine: Machine, env: Environment, client: Control) -> None:
    options = ("--request", "POST", "--data", "{}", "--header", "Content-Type: application/json")
    _, body = _curl(client, env, machine, "/v1/limits/1/drawdowns", *_trusting(env), *options)
    assert body.splitlines()[-1] == "422", body


def test_configuration_is_sound_and_the_key_private(machine: Machine) -> None:
    assert machine.run("nginx -t -q") == ""
    found = facts.access(machine.probe, [PRIVATE_KEY])
    machine.expect("access", found=found, wanted={PRIVATE_KEY: "root:root 600"})


def test_only_the_master_process_is_root_s(machine: Machine) -> None:
    workers = machine.probe.process.filter(comm="nginx", user=platform.of(machine.spec).nginx_user)
    assert workers, f"{machine.spec.name}: expected workers of nginx, found none"
    of_root = machine.probe.process.filter(comm="nginx", user="root")
    machine.expect(
        "processes of root", found=[each for each in of_root if "master process" not in each.args], wanted=[]
    )


def test_each_virtual_address_is_on_one_gateway(machines: dict[str, Machine], env: Environment) -> None:
    gateways = [machines[host.name] for host in env.hosts_with(Role.GATEWAY)]
    held = [machine.run("ip -4 -o address show").split() for machine in gateways]
    for address in env.gateway.virtual_addresses:
        holders = [
            machine.spec.name
            for machine, words in zip(gateways, held, strict=True)
            if any(word.startswith(f"{address}/") for word in words)
        ]
        assert len(holders) == 1, f"{address}: expected on one gateway, found on {holders}"


def test_who_moves_the_virtual_addresses_runs(machine: Machine, env: Environment) -> None:
    if not env.gateway.virtual_addresses:
        pytest.skip("clients know the gateways' own addresses")
    keepalived = machine.probe.service(UNIT)
    machine.expect(UNIT, found=(keepalived.is_running, keepalived.is_enabled), wanted=(True, True))
