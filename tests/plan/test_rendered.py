"""Unit files and configurations, word for word."""

import re
from dataclasses import replace

from cryptography import x509

from deploys.alertmanager import deploy as alertmanager
from deploys.alertmanager.spec import TOKEN
from deploys.baseline import deploy as baseline
from deploys.content import ConfigFile
from deploys.depot_client import deploy as depot_client
from deploys.etcd import deploy as etcd
from deploys.failover import deploy as failover
from deploys.gateway import deploy as gateway
from deploys.gateway.spec import gateway_spec
from deploys.load_generator import deploy as load_generator
from deploys.load_generator.spec import load_generator_spec
from deploys.loan_services import deploy as loan_services
from deploys.loan_services.spec import loan_services_spec
from deploys.node_exporter import deploy as node_exporter
from deploys.oceanbase import deploy as oceanbase
from deploys.oceanbase.spec import WALLET
from deploys.prometheus import deploy as prometheus
from deploys.prometheus.spec import rule_file
from deploys.sql_proxy import deploy as sql_proxy
from deploys.sql_proxy.spec import sql_proxy_spec
from deploys.tongweb import deploy as tongweb
from deploys.tongweb.spec import tongweb_spec
from deploys.virtual_addresses import deploy as virtual_addresses
from deploys.virtual_addresses.spec import virtual_addresses_spec
from inventory.ssh import LOAD_WORKER
from tests.plan.golden import assert_golden
from tests.plan.kit import Site


def _text(files: tuple[ConfigFile, ...], path: str) -> str:
    return next(f.content for f in files if f.path == path)


def test_database(lab_site: Site) -> None:
    spec = oceanbase.spec_of(lab_site.context("ob-b"))
    files = oceanbase.files_of(spec)
    assert_golden("oceanbase.json", _text(files, oceanbase.SETTINGS))
    assert_golden("loanstack-oceanbase.service", _text(files, f"/etc/systemd/system/{spec.unit}"))
    assert_golden("loanstack-merge.service", _text(files, f"/etc/systemd/system/{spec.merge_unit}"))
    assert_golden("loanstack-merge.timer", _text(files, f"/etc/systemd/system/{spec.merge_timer}"))


def test_a_database_s_certificate_is_its_own_and_lies_where_seekdb_looks_for_it(lab_site: Site) -> None:
    found = {}
    for name in ("ob-a", "ob-b"):
        files = {
            f.path.rpartition("/")[2]: f
            for f in oceanbase.files_of(oceanbase.spec_of(lab_site.context(name)))
            if f.path.startswith(f"{WALLET}/")
        }
        assert set(files) == {"ca.pem", "server-cert.pem", "server-key.pem", "cert.pem", "key.pem"}
        assert {(f.user, f.mode) for f in files.values() if f.secret} == {("oceanbase", 0o600)}
        # What tells their ends reads them, without the rights of root.
        assert {(f.user, f.mode) for f in files.values() if not f.secret} == {("oceanbase", 0o644)}
        assert {n for n, f in files.items() if f.secret} == {"server-key.pem", "key.pem"}
        certificate = x509.load_pem_x509_certificate(files["server-cert.pem"].content.encode())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
        assert addresses == {lab_site.env.host(name).address, "127.0.0.1"}
        found[name] = files["key.pem"].content
    assert found["ob-a"] != found["ob-b"]


def test_without_tls_nothing_of_it_is_left(lab_site: Site) -> None:
    """As in an environment whose databases were made without: its replication would stand still."""
    site = replace(
        lab_site, env=replace(lab_site.env, database=replace(lab_site.env.database, replication_tls=False))
    )
    spec = oceanbase.spec_of(site.context("ob-a"))
    files = [
        *oceanbase.files_of(spec),
        *loan_services.files_of(loan_services.spec_of(site.context("app-a"))),
        *tongweb.files_of(tongweb.spec_of(site.context("app-a"))),
    ]
    assert not any(path.startswith(WALLET) for path in (f.path for f in files))
    told = "\n".join(f.content for f in files)
    told = told.replace('"ssl_client_authentication": "False"', "")
    for word in ("wallet", "tls", "useSsl", "LOAN_DATABASE_CA_FILE", "ssl_client"):
        assert word not in told.replace("loanstack-db", ""), word


def test_sql_is_encrypted_for_services_and_applications_if_the_inventory_says_so(lab_site: Site) -> None:
    database = replace(lab_site.env.database, replication_tls=False, sql_tls=True)
    site = replace(lab_site, env=replace(lab_site.env, database=database))
    spec = oceanbase.spec_of(site.context("ob-a"))
    assert spec.wallet is not None
    assert ("ssl_client_authentication", "True") in spec.run_time_parameters
    assert "enable_rpc_tls" not in dict(spec.sizes)
    told = "\n".join(
        f.content
        for part in (loan_services, tongweb)
        for f in part.files_of(part.spec_of(site.context("app-a")))
    )
    assert "LOAN_DATABASE_CA_FILE=/etc/loanstack/ca.pem" in told
    assert "useSsl=true&amp;serverSslCert=/etc/loanstack/ca.pem" in told


def test_loan_services(lab_site: Site) -> None:
    spec = loan_services.spec_of(lab_site.context("app-b"))
    files = loan_services.files_of(spec)
    assert_golden("loanstack-loan.service", _text(files, f"/etc/systemd/system/{spec.unit}"))
    hidden = _text(files, loan_services.ENVIRONMENT)
    for secret in (spec.app_password, spec.agent_key):
        assert secret in hidden
        hidden = hidden.replace(secret, "<hidden>")
    assert_golden("loan.env", hidden)


def test_virtual_addresses(lab_site: Site) -> None:
    for name in ("gw-a", "gw-b"):
        files = virtual_addresses.files_of(virtual_addresses_spec(lab_site.env, lab_site.env.host(name)))
        assert_golden(f"keepalived-{name}.conf", _text(files, virtual_addresses.CONFIG))


def test_sql_proxy(lab_site: Site) -> None:
    files = sql_proxy.files_of(sql_proxy_spec(lab_site.env, lab_site.env.host("app-b")))
    assert_golden("haproxy.cfg", _text(files, sql_proxy.CONFIG))


def test_tongweb(lab_site: Site) -> None:
    spec = tongweb.spec_of(lab_site.context("app-b"))
    files = tongweb.files_of(spec)
    for path in (
        tongweb.CONFIGURATION,
        "/opt/loanstack/tongweb/7.0.4.9/bin/external.vmoptions",
        "/etc/loanstack/tongweb.json",
        "/etc/systemd/system/loanstack-tongweb.service",
    ):
        assert_golden(path.rpartition("/")[2], _text(files, path))


def test_loan_services_ask_the_database_of_their_own_centre_first(lab_site: Site) -> None:
    endpoints = {
        name: loan_services_spec(lab_site.env, lab_site.env.host(name), lab_site.secrets).endpoints
        for name in ("app-a", "app-b")
    }
    assert endpoints["app-a"] == ("198.18.1.13:2881", "198.18.2.23:2881")
    assert endpoints["app-b"] == ("198.18.2.23:2881", "198.18.1.13:2881")


def test_loan_services_know_no_database_that_never_leads(lab_site: Site) -> None:
    env = lab_site.env
    hosts = tuple(replace(h, candidate=h.name != "ob-b") for h in env.hosts)
    spec = loan_services_spec(replace(env, hosts=hosts), env.host("app-a"), lab_site.secrets)
    assert spec.endpoints == ("198.18.1.13:2881",)
    assert spec.agents == ("198.18.1.13:8008",)


def test_gateway(lab_site: Site) -> None:
    spec = gateway_spec(lab_site.env, lab_site.env.host("gw-b"), certificate="C\n", private_key="K\n")
    files = gateway.files_of(spec)
    assert_golden("nginx.conf", _text(files, gateway.CONFIG))
    key = next(f for f in files if f.path == gateway.PRIVATE_KEY)
    assert (key.mode, key.secret) == (0o600, True)


def test_a_portal_counts_as_back_only_once_nginx_has_asked_it_again(lab_site: Site) -> None:
    """It asks again when more than `fail_timeout` whole seconds are over, and may fail at their end."""
    files = gateway.files_of(
        gateway_spec(lab_site.env, lab_site.env.host("gw-a"), certificate="C\n", private_key="K\n")
    )
    config = _text(files, gateway.CONFIG)
    [fail_timeout_s] = set(re.findall(r" fail_timeout=(\d+)s;", config))
    [connect_ms] = re.findall(r"proxy_connect_timeout (\d+)ms;", config)
    for rotation in tongweb_spec(lab_site.env, lab_site.env.host("app-a"), lab_site.secrets).rotation:
        assert rotation.back_s > int(fail_timeout_s) + 1 + int(connect_ms) / 1000


def test_load_generator(qinghai_site: Site) -> None:
    spec = load_generator_spec(qinghai_site.env, qinghai_site.env.host("load-a1"))
    files = load_generator.files_of(spec)
    assert_golden("loanstack-load-worker", _text(files, LOAD_WORKER))
    unit = load_generator.unit_path(spec)
    assert_golden("loanstack-load@.service", _text(files, unit))
    assert [(file.path, file.mode) for file in files] == [
        (LOAD_WORKER, 0o755),
        (unit, 0o644),
    ]


def test_ssh_forwards_nothing_but_the_connections_of_workers(qinghai_site: Site) -> None:
    def lines(name: str) -> list[str]:
        files = baseline.before_packages(baseline.spec_of(qinghai_site.context(name)))
        return _text(files, baseline.SSHD).splitlines()

    forwarding = [line for line in lines("load-a1") if line.startswith(("AllowTcp", "PermitListen"))]
    ports = " ".join(f"127.0.0.1:{port}" for port in range(5571, 5579))
    assert forwarding == ["AllowTcpForwarding remote", f"PermitListen {ports}"]
    assert "AllowTcpForwarding no" in lines("gw-a1")
    assert not any(line.startswith("PermitListen") for line in lines("gw-a1"))


def test_failover_agent(lab_site: Site) -> None:
    spec = failover.spec_of(lab_site.context("ob-b"))
    files = failover.files_of(spec)
    assert_golden("loanstack-failover.service", _text(files, f"/etc/systemd/system/{spec.unit}"))
    assert_golden("loanstack-failover", _text(files, failover.COMMAND))
    hidden = _text(files, failover.CONFIG)
    for name, value in lab_site.secrets.named.items():
        hidden = hidden.replace(value, f"<{name}>")
    assert_golden("failover.json", hidden)
    settings = next(f for f in files if f.path == failover.CONFIG)
    assert (settings.mode, settings.user, settings.secret) == (0o600, "root", True)


def test_etcd(lab_site: Site, qinghai_site: Site) -> None:
    for site, name in ((lab_site, "ob-b"), (qinghai_site, "arb-c1")):
        spec = etcd.spec_of(site.context(name))
        files = etcd.files_of(spec)
        assert_golden(f"etcd-{name}.yml", _text(files, etcd.CONFIG))
        assert_golden(f"etcd-override-{name}.conf", _text(files, etcd.override(spec)))
        assert_golden(f"etcd-{name}.json", _text(files, etcd.SETTINGS))
        key = next(f for f in files if f.path == etcd.PRIVATE_KEY)
        assert (key.mode, key.user, key.secret) == (0o400, "etcd", True)


def test_monitoring(lab_site: Site) -> None:
    files = prometheus.files_of(prometheus.spec_of(lab_site.context("mon-c")))
    assert_golden("prometheus.yml", _text(files, prometheus.CONFIG))
    for component in ("etcd", "failover", "certificate_ends", "alertmanager"):
        assert_golden(f"rules-{component}.yml", _text(files, rule_file(component)))
    (unit,) = node_exporter.files_of(node_exporter.spec_of(lab_site.context("mon-c")))
    assert_golden("node-exporter-override.conf", unit.content)


def test_depot_client(lab_site: Site) -> None:
    spec = depot_client.spec_of(lab_site.context("gw-a"))
    assert_golden("loanstack.repo", _text(depot_client.files_of(spec), depot_client.REPOSITORY_FILE))


def test_time(lab_site: Site, qinghai_site: Site) -> None:
    for site, name in ((lab_site, "gw-a"), (lab_site, "mon-c"), (qinghai_site, "gw-a1")):
        spec = baseline.spec_of(site.context(name))
        files = baseline.after_packages(spec)
        assert_golden(f"chrony-{name}.conf", _text(files, spec.platform.chrony_config))


def test_kernel_settings_of_a_stand_in_say_why_they_are_not_applied(
    lab_site: Site, qinghai_site: Site
) -> None:
    for site, name in ((lab_site, "ob-a"), (qinghai_site, "ob-a1")):
        spec = baseline.spec_of(site.context(name))
        assert_golden(f"sysctl-{name}.conf", _text(baseline.before_packages(spec), baseline.SYSCTL))


def test_alertmanager(lab_site: Site, qinghai_site: Site) -> None:
    for site, name in ((lab_site, "mon-c"), (qinghai_site, "ops-b1")):
        spec = alertmanager.spec_of(site.context(name))
        files = alertmanager.files_of(spec)
        assert_golden(f"alertmanager-{name}.yml", _text(files, alertmanager.CONFIG))
        assert_golden(f"alertmanager-override-{name}.conf", _text(files, alertmanager.override(spec)))
        token = next(file for file in files if file.path == TOKEN)
        assert (token.mode, token.user, token.secret) == (0o400, "prometheus", True)
        assert token.content == f"{site.secrets.alert_webhook_token}\n"
    silent = replace(spec, alerting=replace(spec.alerting, webhook_url=None))
    assert TOKEN not in {file.path for file in alertmanager.files_of(silent)}
    assert "webhook" not in _text(alertmanager.files_of(silent), alertmanager.CONFIG)
