"""etcd: three voters of one mind, over TLS only, closed to everyone without a password."""

import base64
import json
import time

import pytest

from deploys.content import AUTHORITY
from deploys.etcd import deploy as component
from deploys.etcd.facts import TOOL
from deploys.etcd.spec import CERTIFICATE, LOOPBACK, UNIT, EtcdSpec, agent_prefix
from inventory.model import Environment, Role
from inventory.secrets import Secrets
from tests.hosts import facts
from tests.hosts.kit import Machine, eventually

_AGENT = EtcdSpec.agent_user

pytestmark = pytest.mark.roles(Role.ETCD)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _ask(
    machine: Machine, env: Environment, path: str, body: dict[str, object], *, token: str = ""
) -> dict[str, object]:
    """Return the answer of this host's member; body and token travel on stdin and are in no argv."""
    url = f"https://{LOOPBACK}:{env.etcd.client_port}/v3/{path}"
    settings = f'url = "{url}"\ndata = {json.dumps(json.dumps(body))}\n'
    if token:
        settings += f'header = "Authorization: {token}"\n'
    answer = machine.run(f"curl --silent --max-time 5 --cacert {AUTHORITY} --config -", stdin=settings)
    found: dict[str, object] = json.loads(answer)
    return found


def _token(machine: Machine, env: Environment, user: str, password: str) -> str:
    answer = _ask(machine, env, "auth/authenticate", {"name": user, "password": password})
    return str(answer["token"])


def _agent(machine: Machine, env: Environment, secrets: Secrets) -> str:
    return _token(machine, env, _AGENT, secrets.etcd_agent_password)


def test_each_member_has_a_majority_and_hears_all_others(machine: Machine, env: Environment) -> None:
    others = sorted(h.address for h in env.hosts_with(Role.ETCD) if h.name != machine.spec.name)

    def status() -> tuple[bool, list[str]]:
        said = json.loads(machine.run(f"{TOOL} status"))
        return said["healthy"], sorted(said["others"])

    eventually(
        f"{machine.spec.name} to be one of a majority with {others}", lambda: status() == (True, others)
    )


def test_all_members_vote_and_have_the_same_leader(
    machine: Machine, env: Environment, secrets: Secrets
) -> None:
    token = _token(machine, env, "root", secrets.etcd_root_password)
    listed = _ask(machine, env, "cluster/member/list", {}, token=token)["members"]
    assert isinstance(listed, list)
    wanted = {h.name: [f"https://{h.address}:{env.etcd.peer_port}"] for h in env.hosts_with(Role.ETCD)}
    assert {member["name"]: member["peerURLs"] for member in listed} == wanted
    assert [member for member in listed if member.get("isLearner")] == []
    leader = _ask(machine, env, "maintenance/status", {}, token=token)["leader"]
    assert leader in {member["ID"] for member in listed}


def test_it_comes_back_with_its_host(machine: Machine) -> None:
    etcd = machine.probe.service(UNIT)
    assert etcd.is_enabled
    machine.expect(f"{UNIT}: Restart", found=etcd.systemd_properties["Restart"], wanted="always")


def test_its_data_and_its_key_are_its_own(machine: Machine) -> None:
    owner = f"{EtcdSpec.user}:{EtcdSpec.user}"
    wanted = {EtcdSpec.data_dir: f"{owner} 700", component.PRIVATE_KEY: f"{owner} 400"}
    machine.expect("access", found=facts.access(machine.probe, wanted), wanted=wanted)


@pytest.mark.parametrize("kind", ["client", "peer"])
def test_plain_text_and_unknown_authorities_get_nowhere(
    machine: Machine, env: Environment, kind: str
) -> None:
    address = f"{machine.spec.address}:{env.etcd.client_port if kind == 'client' else env.etcd.peer_port}"
    curl = "curl --silent --show-error --fail --max-time 3 --http1.1"
    machine.fails(f"{curl} http://{address}/version")
    assert "certificate" in machine.fails(f"{curl} https://{address}/version")


def test_members_let_in_only_members(machine: Machine, env: Environment) -> None:
    url = f"https://{machine.spec.address}:{env.etcd.peer_port}/version"
    curl = f"curl --silent --show-error --fail --max-time 3 --http1.1 --cacert {AUTHORITY}"
    machine.fails(f"{curl} {url}")
    machine.run(f"{curl} --cert {CERTIFICATE} --key {component.PRIVATE_KEY} {url}")


def test_without_a_user_nothing_is_answered(machine: Machine, env: Environment) -> None:
    key = _base64(f"{agent_prefix(env)}leader")
    asked = {
        "kv/range": {"key": key},
        "kv/put": {"key": key, "value": key},
        "kv/deleterange": {"key": key},
        "auth/user/list": {},
    }
    for path, body in asked.items():
        answer = _ask(machine, env, path, dict(body))
        assert answer.get("error") == "etcdserver: user name is empty", path


def test_a_wrong_password_is_refused(machine: Machine, env: Environment) -> None:
    answer = _ask(machine, env, "auth/authenticate", {"name": _AGENT, "password": "not-this-one"})
    assert "invalid user ID or password" in str(answer["error"])


def test_agents_reach_their_own_keys(machine: Machine, env: Environment, secrets: Secrets) -> None:
    token = _agent(machine, env, secrets)
    key = _base64(f"{agent_prefix(env)}verify/{machine.spec.name}")
    value = _base64(str(time.time()))
    _ask(machine, env, "kv/put", {"key": key, "value": value}, token=token)
    (found,) = _ask(machine, env, "kv/range", {"key": key}, token=token)["kvs"]  # type: ignore[misc]
    assert found["value"] == value
    _ask(machine, env, "kv/deleterange", {"key": key}, token=token)


def test_agents_see_nothing_else(machine: Machine, env: Environment, secrets: Secrets) -> None:
    token = _agent(machine, env, secrets)
    prefix = agent_prefix(env)
    beside = prefix.removesuffix("/")
    outside = [
        ("kv/range", {"key": _base64(beside)}),
        ("kv/range", {"key": _base64("/loanstack/other/leader")}),
        ("kv/range", {"key": _base64(prefix), "range_end": _base64("/loanstack0")}),
        ("kv/range", {"key": _base64("\0"), "range_end": _base64("\0")}),
        ("kv/put", {"key": _base64("/loanstack/other/leader"), "value": _base64("x")}),
        ("kv/deleterange", {"key": _base64("\0"), "range_end": _base64("\0")}),
        ("auth/user/list", {}),
        ("auth/user/add", {"name": "other", "password": "x"}),
        ("auth/disable", {}),
    ]
    for path, body in outside:
        answer = _ask(machine, env, path, body, token=token)
        assert answer.get("error") == "etcdserver: permission denied", (path, body, answer)


def test_users_and_rights_are_whole_and_no_others_are_there(
    machine: Machine, env: Environment, secrets: Secrets
) -> None:
    token = _token(machine, env, "root", secrets.etcd_root_password)
    assert sorted(_ask(machine, env, "auth/user/list", {}, token=token)["users"]) == [_AGENT, "root"]  # type: ignore[call-overload]
    assert json.loads(machine.run(f"{TOOL} status"))["lacks"] == []
