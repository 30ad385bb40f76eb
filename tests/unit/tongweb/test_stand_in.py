"""What only the stand-in does: say what it is, and refuse what it has no answer for."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lab.tongweb import license_file
from tests.unit.tongweb.installation import IS_STAND_IN, Installation
from tests.unit.tongweb.test_tongweb import licensed, refusal

pytestmark = pytest.mark.skipif(not IS_STAND_IN, reason="the real product is under test")


def test_it_says_what_it_is(installation: Installation) -> None:
    assert "TongWeb stand-in (Apache Tomcat 9" in installation.script("version.sh").stdout
    installation.start()
    assert "Starting TongWeb stand-in (Apache Tomcat 9" in installation.log


def test_all_that_has_no_effect_is_refused_by_name(installation: Installation) -> None:
    installation.configure(
        **{
            "<apps/>": '<hot-deploy enabled="false"/><apps/>',
            '<server shutdown-port="': '<server jsf="false" shutdown-port="',
        }
    )
    said = refusal(installation)
    assert (
        "<hot-deploy> in <tongweb> has no effect in the stand-in; allowed: auto-deploy, apps, server" in said
    )
    assert "attribute jsf of <server> has no effect in the stand-in; allowed: shutdown-port" in said


def test_the_order_of_elements_matters(installation: Installation) -> None:
    text = (installation.home / "conf/tongweb.xml").read_text()
    start, end = text.index("<log-service"), text.index("</server>")
    moved = text[:start] + text[end:]
    moved = moved.replace("<web-container", text[start:end].strip() + "\n<web-container", 1)
    (installation.home / "conf/tongweb.xml").write_text(moved)
    assert "<web-container> comes after <log-service>" in refusal(installation)


def test_a_pool_whose_password_is_readable_is_refused(installation: Installation) -> None:
    pool = '<jdbc-connection-pool name="jdbc/loan" jdbc-driver="x" jdbc-url="jdbc:x" password="plain"/>'
    installation.configure(**{"<log-service": f"{pool}<log-service"})
    said = refusal(installation)
    assert "jdbc-connection-pool jdbc/loan: its password is not what bin/password.sh writes" in said


def test_a_trial_licence_gives_a_listener_five_threads(installation: Installation) -> None:
    licensed(installation, project_name="test")
    installation.start()
    assert "License limits the connector to a maximum of 5 threads." in installation.log


def test_five_wrong_passwords_lock_an_account(installation: Installation) -> None:
    installation.start()
    port = installation.console_port
    wrong = {"Authorization": "Basic dGhhbm9zOndyb25n"}
    for _ in range(5):
        status, said, _ = installation.ask("GET", "/console/", headers=wrong, port=port)
        assert (status, b"wrong" in said) == (401, True)
    assert b"locked after 5 failures" in installation.ask("GET", "/console/", headers=wrong, port=port)[1]


def test_a_licence_server_is_asked_with_its_key(installation: Installation) -> None:
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["X-Public-Key"]))
            body = license_file.TEXT.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    (installation.home / "license.dat").unlink()
    options = installation.home / "bin/external.vmoptions"
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        options.write_text(
            f"{options.read_text()}-Dserver.tongweb.license.type=remote\n"
            # The first does not answer: the second is asked.
            f"-Dserver.tongweb.license.license-ips=127.0.0.1:9,127.0.0.1:{server.server_address[1]}\n"
            "-Dserver.tongweb.license.publicKey=key-1\n"
        )
        installation.start()
        server.shutdown()
    assert asked == [("/license.dat", "key-1")]
    installation.stop()
    assert installation.script("startserver.sh").returncode != 0, "without a server there is no licence"
    assert "Invaild license." in installation.log


def test_java_17_needs_its_modules_opened(installation: Installation) -> None:
    options = installation.home / "bin/external.vmoptions"
    options.write_text(
        options.read_text().replace("--add-opens=java.base/sun.security.jca=ALL-UNNAMED\n", "")
    )
    assert 'module java.base does not "opens sun.security.jca"' in refusal(installation)
