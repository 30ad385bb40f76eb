"""loanstack-tongweb puts the configuration together, secures the console, and refuses wrong settings."""

import json
from pathlib import Path

import msgspec
import pytest

from hosttools.errors import ToolError
from hosttools.tongweb.configuration import Configuration
from hosttools.tongweb.console import Console
from hosttools.tongweb.settings import TongWebSettings
from tests.unit.hosttools.tongweb.host import Host, script


def test_the_configuration_is_put_together_once(host: Host) -> None:
    script(host, "password.sh", "read word; echo ENC-$word-$JAVA_HOME")
    configuration = Configuration(host.settings, note=host.folder / "state/note")
    assert configuration.is_stale()
    configuration.put_together()
    target = host.folder / "home/conf/tongweb.xml"
    assert target.read_text() == "<pool password='ENC-word-/opt/java'/>\n"
    assert target.stat().st_mode & 0o777 == 0o640
    assert not configuration.is_stale()
    for path in (target, Path(host.settings.data_source), Path(host.settings.configuration)):
        before = path.read_text()
        path.write_text(f"{before} ")
        assert configuration.is_stale(), path.name
        path.write_text(before)
        assert not configuration.is_stale()
    target.unlink()
    target.symlink_to("/etc/shadow")
    assert configuration.is_stale()


@pytest.mark.parametrize("text", ["exit 1", "true", "echo; exit 0"])
def test_without_a_password_of_the_product_nothing_is_written(host: Host, text: str) -> None:
    script(host, "password.sh", text)
    with pytest.raises(ToolError, match=r"password\.sh wrote no password"):
        Configuration(host.settings, note=host.folder / "note").put_together()
    assert not (host.folder / "home/conf/tongweb.xml").exists()


def test_links_of_the_service_are_replaced_and_not_followed(host: Host, tmp_path: Path) -> None:
    script(host, "password.sh", "echo ENC")
    shadow = tmp_path / "shadow"
    shadow.write_text("root's\n")
    for name in ("home/conf/tongweb.xml", "home/autodeploy/portal.war", "run/cli-password"):
        (tmp_path / name).symlink_to(shadow)
    Configuration(host.settings, note=tmp_path / "note").put_together()
    host.server.install_war()
    assert (tmp_path / "home/autodeploy/portal.war").read_bytes() == b"war\0\xff"
    script(
        host, "commandstool.sh", 'for word; do case $word in --passwordfile=*) cat "${word#*=}";; esac; done'
    )
    Console(host.settings).deploy_portal(host.server.war)
    assert shadow.read_text() == "root's\n"
    assert not (tmp_path / "run/cli-password").exists()


def test_the_console_gets_our_passwords_where_it_has_the_products(host: Host) -> None:
    host.product.passwords = {"thanos": "thanos123.com", "cli": "cli123.com"}
    assert Console(host.settings).insecure() == ["thanos", "cli"]
    host.product.passwords["thanos"] = "ours-1"
    assert Console(host.settings).insecure() == ["cli"]
    script(host, "password.sh", "read word; echo ENC-$word")
    noted = host.folder / "noted"
    script(host, "commandstool.sh", f'(cat; echo "$1"; cat {host.settings.run_dir}/cli-password) > {noted}')
    Console(host.settings).secure()
    assert noted.read_text() == ("ours-2\nours-2\nchange-admin-password\nAS_ADMIN_password=ENC-cli123.com\n")


def test_what_the_product_refuses_is_said_without_a_password(host: Host) -> None:
    script(host, "password.sh", "echo ENC")
    script(host, "commandstool.sh", "echo no such application >&2; exit 3")
    with pytest.raises(ToolError, match=r"commandstool\.sh deploy failed: no such application"):
        Console(host.settings).deploy_portal(host.server.war)
    script(host, "commandstool.sh", "echo wrong: $* >&2; exit 3")
    with pytest.raises(ToolError, match=r"commandstool\.sh config-password failed: wrong: ") as refused:
        Console(host.settings).secure()
    assert "--adminnewpassword=***" in str(refused.value)
    assert not any(word in str(refused.value) for word in ("ours-1", "thanos123.com"))
    (host.folder / "accounts").write_text("thanos word-1 word-2 more\n")
    with pytest.raises(ToolError) as refused:
        Console(host.settings)
    assert "word" not in str(refused.value).replace("a password", "").replace("initial password", "")


@pytest.mark.parametrize(
    "change",
    [{"console_port": "8088; id"}, {"ready_s": 0}, {"ready_s": 10**9}, {"warm_up_requests": -1}, {"more": 1}],
)
def test_wrong_settings_are_refused(host: Host, change: dict[str, object]) -> None:
    says = {**msgspec.to_builtins(host.settings), **change}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(says), type=TongWebSettings)
