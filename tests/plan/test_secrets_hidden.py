"""No secret shows in anything that pyinfra prints, at any verbosity, with or without --diff."""

import pytest

from deploys.content import ConfigFile
from deploys.etcd import deploy as etcd
from deploys.failover import deploy as failover
from deploys.loan_services.spec import loan_services_spec
from deploys.oceanbase.facts import LocalAnswer, LocalDatabase
from deploys.oceanbase.spec import oceanbase_spec
from inventory.model import Role
from tests.plan.kit import Site, answer, fresh, primary, shown, stdin_of, told

_OF_DATABASE = {
    "database_root_password",
    "database_reserved_password",
    "loan_owner_password",
    "loan_app_password",
    "probe_password",
    "report_password",
    "data_source_password",
    "etcd_agent_password",
    "agent_token",
    "agent_reading_key",
}
_ALL = ("gw-a", "app-a", "ob-a", "ob-b", "mon-c")


def _values(site: Site) -> list[str]:
    keys = [path.read_text().splitlines()[1] for path in site.env.ca_dir.glob("*.key")]
    return [*site.secrets.named.values(), *keys]


@pytest.mark.parametrize("name", _ALL)
@pytest.mark.parametrize("diff", [False, True])
def test_nothing_printed_holds_a_secret(
    lab_site: Site, name: str, diff: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    facts = told(
        fresh(),
        {LocalDatabase: lambda: primary(), LocalAnswer: lambda query, of_primary=True: answer("PRIMARY")},
    )
    planned = lab_site.plan(name, facts, diff=diff)
    printed = shown(planned) + caplog.text
    for value in _values(lab_site):
        assert value not in printed


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("ob-a", {*_OF_DATABASE, "etcd_root_password", "fence_passwords.ob-b"}),
        ("ob-b", {*_OF_DATABASE, "fence_passwords.ob-a"}),
        (
            "app-a",
            {
                "loan_owner_password",
                "loan_app_password",
                "tongweb_console_password",
                "data_source_password",
                "agent_reading_key",
            },
        ),
        ("gw-a", set()),
        ("mon-c", {"alert_webhook_token"}),
    ],
)
def test_each_host_is_sent_the_secrets_it_needs_and_no_others(
    lab_site: Site, name: str, fields: set[str]
) -> None:
    facts = told(
        fresh(),
        {
            LocalDatabase: lambda: primary(),
            # a database that knows the users, with other passwords: all of theirs are sent
            LocalAnswer: lambda query, of_primary=True: answer(
                "PRIMARY", *((user, "*") for user in ("loan_owner", "loan_app", "probe", "report", "tongweb"))
            ),
        },
    )
    sent = stdin_of(lab_site.plan(name, facts))
    assert {field for field, value in lab_site.secrets.named.items() if value in sent} == fields


def test_diff_says_that_a_secret_is_not_shown(lab_site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    lab_site.plan("app-a", fresh(), diff=True)
    assert "Will create /etc/loanstack/loan.env (root:root 0600)" in caplog.text
    assert caplog.text.count("(a secret: its content is not shown)") >= 2
    assert "gpgcheck=1" in caplog.text, "what is no secret is shown"


def test_values_hide_their_secrets_in_repr(lab_site: Site) -> None:
    env = lab_site.env
    specs = [oceanbase_spec(env, h, lab_site.secrets) for h in env.hosts_with(Role.OCEANBASE)]
    services = [loan_services_spec(env, h, lab_site.secrets) for h in env.hosts_with(Role.LOAN)]
    etcds = [etcd.spec_of(lab_site.context(h.name)) for h in env.hosts_with(Role.ETCD)]
    agents = [failover.spec_of(lab_site.context(h.name)) for h in env.hosts_with(Role.OCEANBASE)]
    for value in _values(lab_site):
        assert value not in repr([*specs, *services, *etcds, *agents])


def test_a_secret_file_that_others_may_read_is_refused() -> None:
    with pytest.raises(ValueError, match=r"/x: a secret file has mode 0640; allowed: 0600 or 0400"):
        ConfigFile(path="/x", content="password\n", mode=0o640, secret=True)


@pytest.mark.parametrize("name", _ALL)
def test_every_operation_is_named(lab_site: Site, name: str) -> None:
    """pyinfra prints the arguments of an operation that has no name."""
    assert [p.name for p in lab_site.plan(name, fresh()) if not p.arguments.startswith("[] ")] == []
