"""etcd: started everywhere at once, restarted one by one, and its access kept by one member."""

from dataclasses import replace

import pytest

from deploys.content import AUTHORITY
from deploys.derived import packages_for
from deploys.etcd import deploy as etcd
from deploys.etcd.facts import EtcdMembers, EtcdState, LocalEtcd
from deploys.facts.files import PathState, PathStates
from deploys.facts.services import NO_SERVICE, Service, ServiceState
from inventory.model import Role
from tests.plan.kit import HEALTHY_SERVICE, Facts, Planned, Site, fresh, majority, told

_START = "etcd | Have the member start"
_WAIT = "etcd | Wait for a majority of etcd"
_RENEW = "etcd | Run the member with its current settings, one host after the other"
_ACCESS = "etcd | Keep etcd's users and rights"
_FORMER = "etcd | Remove the files of earlier versions"


def _planned(site: Site, name: str, facts: Facts) -> dict[str, Planned]:
    planned = site.plan(name, told(fresh(), facts), data={"only": "etcd"})
    return {p.name: p for p in planned}


def _commands(planned: Planned) -> list[str]:
    return [str(command).split(";")[0] for command in planned.commands]


def _member(service: ServiceState, state: EtcdState | None) -> Facts:
    now = dict.fromkeys((LocalEtcd, EtcdMembers), lambda: state)
    return {Service: lambda unit, paths=(), starts=(): service, **now}


@pytest.mark.parametrize("name", ["ob-a", "ob-b", "mon-c"])
def test_every_member_is_told_to_start_before_any_is_waited_for(lab_site: Site, name: str) -> None:
    planned = _planned(lab_site, name, {})
    assert _commands(planned[_START]) == [
        "systemctl daemon-reload",
        "systemctl enable --quiet etcd.service",
        "systemctl restart --no-block etcd.service",
    ]
    assert not planned[_START].is_serial
    assert _commands(planned[_WAIT]) == ["/usr/local/sbin/loanstack-etcd wait-healthy 60"]
    assert list(planned).index(_START) < list(planned).index(_WAIT) < list(planned).index(_RENEW)


def test_a_member_that_is_still_trying_tries_anew_with_its_current_files(lab_site: Site) -> None:
    trying = replace(HEALTHY_SERVICE, is_active=False, needs_daemon_reload=True)
    planned = _planned(lab_site, "ob-b", _member(trying, None))
    assert _commands(planned[_START])[-1] == "systemctl restart --no-block etcd.service"


@pytest.mark.parametrize("change", ["file", "unit"])
def test_new_settings_restart_one_member_after_the_other_and_only_beside_all_others(
    lab_site: Site, change: str
) -> None:
    ages = {etcd.CONFIG: 5.0} if change == "file" else {}
    stale = replace(HEALTHY_SERVICE, file_ages_s=ages, needs_daemon_reload=change == "unit")
    planned = _planned(lab_site, "mon-c", _member(stale, majority()))
    assert planned[_START].commands == ()
    assert planned[_RENEW].is_serial
    commands = [c for c in _commands(planned[_RENEW]) if c != "systemctl daemon-reload"]
    assert commands[:2] == [
        "/usr/local/sbin/loanstack-etcd may-restart",
        "systemctl restart etcd.service",
    ]


def test_a_new_certificate_needs_no_restart(lab_site: Site) -> None:
    asked = []

    def service(unit: str, paths: tuple[str, ...] = (), starts: tuple[str, ...] = ()) -> ServiceState:
        asked.extend(paths)
        return HEALTHY_SERVICE

    _planned(lab_site, "ob-a", {Service: service, LocalEtcd: majority, EtcdMembers: majority})
    assert not {etcd.CERTIFICATE, etcd.PRIVATE_KEY} & set(asked)


def test_a_new_authority_is_read_by_a_restart(lab_site: Site) -> None:
    stale = replace(HEALTHY_SERVICE, file_ages_s={AUTHORITY: 5.0})
    facts = {Service: lambda unit, paths=(), starts=(): stale if AUTHORITY in paths else HEALTHY_SERVICE}
    planned = _planned(lab_site, "mon-c", {**facts, LocalEtcd: majority, EtcdMembers: majority})
    assert "systemctl restart etcd.service" in _commands(planned[_RENEW])


@pytest.mark.parametrize(("site_name", "keeper"), [("lab_site", "ob-a"), ("qinghai_site", "ob-a1")])
def test_one_member_keeps_access_for_all(request: pytest.FixtureRequest, site_name: str, keeper: str) -> None:
    site: Site = request.getfixturevalue(site_name)
    assert [h.name for h in site.env.hosts if _ACCESS in _planned(site, h.name, {})] == [keeper]


@pytest.mark.parametrize(
    ("state", "grants"),
    [
        (None, True),
        (majority(), False),
        (majority("authentication"), True),
        (majority("rights of failover", "user failover"), True),
        (EtcdState(healthy=False, others=(), lacks=("unknown",)), True),
    ],
)
def test_access_is_mended_when_something_lacks(lab_site: Site, state: EtcdState | None, grants: bool) -> None:
    planned = _planned(lab_site, "ob-a", _member(HEALTHY_SERVICE, state))
    assert _commands(planned[_ACCESS]) == (["/usr/local/sbin/loanstack-etcd grant"] if grants else [])


def test_the_other_members_keep_no_password(lab_site: Site) -> None:
    (written,) = [p for n, p in _planned(lab_site, "ob-b", {}).items() if n.startswith("etcd | Write")]
    assert not any("password" in str(command) for command in written.commands)


def test_kylin_s_own_package_is_asked_for(lab_site: Site, qinghai_site: Site) -> None:
    def of(site: Site, name: str) -> set[str]:
        return {package for package in packages_for(site.env, site.env.host(name)) if "etcd" in package}

    assert of(lab_site, "mon-c") == {"etcd-server", "etcd-client"}
    assert of(qinghai_site, "arb-c1") == {"etcd"}
    for site in (lab_site, qinghai_site):
        for host in site.env.hosts:
            assert bool(of(site, host.name)) == host.has(Role.ETCD), host.name


def test_a_service_that_was_never_there_is_told_to_start_once(lab_site: Site) -> None:
    planned = _planned(lab_site, "ob-a", _member(NO_SERVICE, None))
    assert sum("restart --no-block" in c for c in _commands(planned[_START])) == 1


def test_what_an_earlier_version_wrote_goes_once_no_member_runs_with_it(lab_site: Site) -> None:
    former = (
        "/usr/local/sbin/loanstack-store",
        "/etc/loanstack/store.pem",
        "/etc/loanstack/store-root.password",
    )
    there = PathState(kind="regular file", mode=0o600, user="root", group="root", sha256="0" * 64)
    facts = {PathStates: lambda paths: {path: there for path in paths if path in former}}
    planned = _planned(lab_site, "ob-a", _member(HEALTHY_SERVICE, majority()) | facts)
    removed = {name: _commands(each) for name, each in planned.items() if "rm -f" in str(_commands(each))}
    assert removed == {_FORMER: [f"rm -f {path}" for path in former]}
    order = list(planned)
    assert order.index(_FORMER) > order.index(_RENEW)
