"""Somebody is told before a certificate ends: the tool is run for real, and no certificate is left out."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploys import certificate_ends
from deploys.certificate_ends import deploy
from deploys.certificate_fitness import DAYS_LEFT_MIN
from deploys.certificates import Subject, addresses, authority_certificate, certificate, utc_now
from deploys.derived import certificates_on
from deploys.node_exporter import deploy as node_exporter
from deploys.prometheus import deploy as prometheus
from deploys.prometheus.spec import rule_file
from tests.plan.golden import assert_golden
from tests.plan.kit import Site

METRIC = "loanstack_certificate_end_timestamp_seconds"


@pytest.fixture
def tool(lab_site: Site, tmp_path: Path) -> Path:
    spec = deploy.spec_of(lab_site.context("gw-a"))
    path = tmp_path / "loanstack-certificates"
    path.write_text(next(f.content for f in deploy.files_of(spec) if f.path == deploy.TOOL))
    path.chmod(0o755)
    return path


def test_the_end_of_each_certificate_is_written_and_one_that_cannot_be_read_is_not_left_out(
    tool: Path, tmp_path: Path
) -> None:
    made = certificate(tmp_path, Subject(file_name="x", names=addresses(["127.0.0.1"])), now=utc_now())
    authority = authority_certificate(tmp_path, now=utc_now())
    (tmp_path / "chain.pem").write_text(made.certificate + authority)
    (tmp_path / "broken.pem").write_text("nonsense")
    files = [str(tmp_path / name) for name in ("chain.pem", "ca.pem", "broken.pem", "none.pem")]
    out = tmp_path / "certificates.prom"
    subprocess.run([str(tool), str(out), *files], capture_output=True, check=True, timeout=240)
    ends = [
        x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc
        for text in (made.certificate, authority)
    ]
    values = [*(int(end.timestamp()) for end in ends), 0, 0]
    assert ends[0] - utc_now() > timedelta(days=DAYS_LEFT_MIN)
    samples = [line for line in out.read_text().splitlines() if not line.startswith("#")]
    assert samples == [
        f'{METRIC}{{path="{file}"}} {value}' for file, value in zip(files, values, strict=True)
    ]
    assert [path.name for path in tmp_path.glob("*.prom*")] == ["certificates.prom"], "replaced atomically"


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
def test_every_host_with_certificates_has_them_read(request: pytest.FixtureRequest, site_name: str) -> None:
    site: Site = request.getfixturevalue(site_name)
    for host in site.env.hosts:
        files, _ = site.written(host.name) if site_name == "lab_site" else ((), ())
        keys = {file.path for file in files if "PRIVATE KEY" in file.content}
        certificates = certificates_on(site.env, host)
        # Beside a key lies its certificate: as `x.pem` of `x.key`, or as `x-cert.pem` of `x-key.pem`.
        theirs = {key.replace(".key", ".pem").replace("key.pem", "cert.pem") for key in keys}
        assert theirs <= set(certificates), host.name
        assert bool(certificates) == certificate_ends.COMPONENT.is_on(host), host.name


def test_what_is_written_is_what_is_served_and_judged(lab_site: Site) -> None:
    files = {f.path: f.content for f in deploy.files_of(deploy.spec_of(lab_site.context("ob-a")))}
    service = files["/etc/systemd/system/loanstack-certificates.service"]
    assert_golden("loanstack-certificates.service", service)
    (exporter,) = node_exporter.files_of(node_exporter.spec_of(lab_site.context("ob-a")))
    folder = deploy.TEXTFILES
    assert f" {folder}/certificates.prom " in service
    assert f"--collector.textfile.directory={folder} " in exporter.content
    alerts = {f.path: f.content for f in prometheus.files_of(prometheus.spec_of(lab_site.context("mon-c")))}
    rules = alerts[rule_file(certificate_ends.COMPONENT.name)]
    assert f'({METRIC}{{job="node"}}) - time() < {DAYS_LEFT_MIN} * 86400' in rules
    assert METRIC in files[deploy.TOOL]
