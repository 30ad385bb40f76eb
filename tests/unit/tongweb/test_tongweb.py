"""What TongWeb 7's manuals say it does: the stand-in must, and the real product can be put in its place."""

import os
import re
import signal
import socket
import subprocess
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.unit.tongweb.installation import IS_STAND_IN, STARTED, Installation

LOG_LINE = re.compile(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^]]*\] \[[A-Z]+\] .*\[.*\]$")
PAGE = "<!DOCTYPE html><title>页</title>"


def war_at(path: Path, page: str = PAGE) -> Path:
    """A web application of one page."""
    with zipfile.ZipFile(path.with_suffix(".part"), "w") as war:
        war.writestr("index.html", page)
    path.with_suffix(".part").rename(path)
    return path


def licensed(installation: Installation, **fields: str) -> None:
    """Change the licence."""
    path = installation.home / "license.dat"
    text = path.read_text()
    for name, value in fields.items():
        text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
    path.write_text(text)


def refusal(installation: Installation) -> str:
    """Start it in the foreground, which must fail, and return all it said."""
    done = installation.script("startserver.sh")
    assert done.returncode != 0
    assert not STARTED.search(installation.log)
    assert installation.status_of("/") is None
    return done.stdout + done.stderr + installation.log


def test_it_starts_serves_and_stops(installation: Installation) -> None:
    war_at(installation.home / "autodeploy/early.war")
    installation.start()
    assert all(LOG_LINE.match(line) for line in installation.log.splitlines()), installation.log
    assert installation.status_of("/early/index.html") == 200
    again = installation.script("stopserver.sh", "quick", "20")
    assert again.returncode == 0
    assert installation.status_of("/early/index.html") is None
    assert installation.script("stopserver.sh").returncode == 0, "stopping what is stopped is no error"


def test_force_ends_it_at_once(installation: Installation) -> None:
    installation.start()
    # One that stands still could not do anything to end: it is not asked to.
    [process] = installation.processes()
    os.kill(process, signal.SIGSTOP)
    assert installation.script("forcestopserver.sh").returncode == 0
    installation.wait_for(lambda: not installation.processes())
    assert installation.status_of("/") is None


def test_in_the_foreground_it_ends_with_the_terminal(installation: Installation) -> None:
    with subprocess.Popen(
        # Of tests that were started with nohup it would inherit that a hang-up is not heard.
        ["env", "--default-signal=HUP", str(installation.home / "bin/startserver.sh")],
        env=installation.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            installation.wait_for(lambda: STARTED.search(installation.log))
            server.send_signal(signal.SIGHUP)
            server.wait(240)
        finally:
            server.kill()


def test_the_version_says_what_is_installed_and_for_how_long(installation: Installation) -> None:
    done = installation.script("version.sh")
    assert done.returncode == 0
    assert "TW_Version_Number=7.0" in done.stdout
    assert "end_date=" in done.stdout


def test_without_java_it_says_so(installation: Installation) -> None:
    bare = {"PATH": installation.environment["PATH"]}
    done = installation.script("startserver.sh", environment=bare)
    assert done.returncode != 0
    assert "JAVA_HOME was not setted." in done.stdout + done.stderr
    done = installation.script("startserver.sh", environment={**bare, "JAVA_HOME": "/nowhere"})
    assert done.returncode != 0
    assert "JAVA_HOME directory is wrong" in done.stdout + done.stderr


def test_without_a_licence_it_does_not_start(installation: Installation) -> None:
    (installation.home / "license.dat").unlink()
    assert "Lisence file not found!" in refusal(installation)


@pytest.mark.skipif(not IS_STAND_IN, reason="a real licence is signed: no test can change its end")
def test_with_an_expired_licence_it_does_not_start(installation: Installation) -> None:
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - the server reads this machine's clock
    licensed(installation, end_date=yesterday.isoformat())
    assert "License expired." in refusal(installation)
    licensed(installation, end_date=(yesterday + timedelta(days=3)).isoformat())
    installation.start()
    assert f"License expires {yesterday + timedelta(days=3)}" in installation.log


@pytest.mark.skipif(not IS_STAND_IN, reason="a real licence is signed: no test can change its version")
@pytest.mark.parametrize("fields", [{"TW_Version_Number": "6.1"}, {"TW_Product_Name": "TongWeb"}])
def test_with_another_products_licence_it_does_not_start(
    installation: Installation, fields: dict[str, str]
) -> None:
    licensed(installation, **fields)
    assert "License is not for this version of product." in refusal(installation)


def test_a_port_that_is_taken_is_named(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.port)):
        said = installation.script("startserver.sh")
    assert said.returncode != 0
    assert "Address already in use" in said.stdout + installation.log


def test_a_heap_larger_than_memory_is_javas_own_reason(installation: Installation) -> None:
    installation.options = "-Xms900g\n-Xmx900g\n-XX:+AlwaysPreTouch"
    installation.configure()
    done = installation.script("startserver.sh")
    assert done.returncode != 0
    assert re.search("reserve enough space|insufficient memory", done.stdout + done.stderr), done


def test_what_is_laid_down_is_deployed_changed_and_undeployed(installation: Installation) -> None:
    installation.start()
    war = war_at(installation.home / "autodeploy/late.war")
    installation.wait_for(lambda: installation.status_of("/late/index.html") == 200)
    war_at(war, page="another")
    installation.wait_for(lambda: installation.ask("GET", "/late/index.html")[1] == b"another")
    war.unlink()
    installation.wait_for(lambda: installation.status_of("/late/index.html") == 404)


def cli(installation: Installation, command: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as user `cli`, with the password that the product comes with."""
    scrambled = installation.script("password.sh", stdin="cli123.com").stdout.strip()
    passwords = installation.home.parent / "passwords"
    passwords.write_text(f"AS_ADMIN_password={scrambled}\n")
    options = ("--user=cli", f"--passwordfile={passwords}", f"--port={installation.console_port}")
    return installation.script("commandstool.sh", command, *options, *more)


def test_the_command_line_deploys_lists_and_undeploys(installation: Installation, tmp_path: Path) -> None:
    installation.start()
    war = war_at(tmp_path / "tool.war")
    done = cli(
        installation, "deploy", "--contextroot=/by-tool", "--defaultvs=server", f"--applocation={war}", "t"
    )
    assert "executed successfully." in done.stdout, done
    assert installation.status_of("/by-tool/index.html") == 200
    listed = cli(installation, "list-apps").stdout
    assert re.search(r"name=t type=war context-root=/by-tool vNames=server status=started", listed)
    installation.script("stopserver.sh", "quick", "20")
    installation.start()
    assert "name=t " in cli(installation, "list-apps").stdout, "it outlives a restart"
    assert cli(installation, "undeploy", "t").returncode == 0
    assert installation.status_of("/by-tool/index.html") == 404
    missing = cli(installation, "undeploy", "t")
    assert missing.returncode != 0


def test_the_consoles_password_has_to_be_changed_to_a_strong_one(installation: Installation) -> None:
    installation.start()
    change = ("--adminuser=thanos", "--adminoldpassword=thanos123.com")
    for weak in ("Short1.", "alllowercase1.", "thanos123.com"):
        assert cli(installation, "config-password", *change, f"--adminnewpassword={weak}").returncode != 0, (
            weak
        )
    assert cli(installation, "config-password", *change, "--adminnewpassword=Strong-2026.x").returncode == 0
    assert cli(installation, "config-password", *change, "--adminnewpassword=Other-2026.xy").returncode != 0


def test_a_listener_refuses_the_methods_it_is_told_to(installation: Installation) -> None:
    war_at(installation.home / "autodeploy/page.war")
    installation.start()
    assert installation.ask("HEAD", "/page/index.html")[0] in (403, 405)
    assert installation.ask("GET", "/page/index.html")[0] == 200
