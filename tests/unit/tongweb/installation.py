"""One installation of TongWeb, or of its stand-in, on ports of its own, driven by its own scripts.

The real product in place of the stand-in: `LOANSTACK_TONGWEB_URL` and `LOANSTACK_TONGWEB_SHA256` of the green
package, `LOANSTACK_TONGWEB_LICENSE` its licence file, and `JAVA_HOME`.
"""

import contextlib
import hashlib
import http.client
import itertools
import os
import re
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.tongweb import distribution, license_file
from lab.tongweb.javac import JAVA_HOME

URL = os.environ.get("LOANSTACK_TONGWEB_URL")
IS_STAND_IN = URL is None
STARTED = re.compile(r"TongWeb server startup complete in \d+ ms")
DEADLINE_S = 240.0
OPENS = "\n".join(f"--add-opens=java.base/sun.security.{name}=ALL-UNNAMED" for name in ("rsa", "util", "jca"))


def unpack_package(home: Path) -> None:
    """Fill `home` from the real package, or with the stand-in."""
    if URL is None:
        home.mkdir()
        distribution.lay_out(home)
        (home / "license.dat").write_text(license_file.TEXT)
        return
    packed = home.with_suffix(".tar.gz")
    with urllib.request.urlopen(URL, timeout=60) as answer:  # noqa: S310 - the address is the tester's own
        packed.write_bytes(answer.read())
    assert hashlib.sha256(packed.read_bytes()).hexdigest() == os.environ["LOANSTACK_TONGWEB_SHA256"]
    with tarfile.open(packed) as archive:
        archive.extractall(home.with_suffix(".unpacked"), filter="data")
    [top] = home.with_suffix(".unpacked").iterdir()
    top.rename(home)
    shutil.copyfile(os.environ["LOANSTACK_TONGWEB_LICENSE"], home / "license.dat")


_LEAST_PORT, _PORTS = 20_000, 12_000
"""Below those that the kernel gives to whoever asks for any port: nobody takes one before the server does."""
_next_port = itertools.count(os.getpid() * 101)


def free_port() -> int:
    """Return a port of loopback that nobody listens on now, another one each time."""
    for number in _next_port:
        port = _LEAST_PORT + number % _PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


@dataclass
class Installation:
    """A folder with the product in it."""

    home: Path
    port: int = field(default_factory=free_port)
    console_port: int = field(default_factory=free_port)
    options: str = "-Xms64m\n-Xmx128m\n-XX:+UseSerialGC\n-XX:TieredStopAtLevel=1"
    """JVM options, one a line."""

    def configure(self, **replaced: str) -> None:
        """Write ports and JVM options; `replaced`: text in conf/tongweb.xml by other text."""
        path = self.home / "conf/tongweb.xml"
        text = path.read_text()
        for old, new in (("8088", self.port), ("9060", self.console_port), ("7090", free_port())):
            text = text.replace(f'port="{old}"', f'port="{new}"')
        for old, new_text in replaced.items():
            assert old in text, old
            text = text.replace(old, new_text)
        path.write_text(text)
        (self.home / "bin/external.vmoptions").write_text(f"{self.options}\n{OPENS}\n#server_options\n")

    def script(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of bin/ to its end."""
        return subprocess.run(
            [str(self.home / "bin" / name), *arguments],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=DEADLINE_S,
            check=False,
            env=self.environment if environment is None else environment,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What its scripts need."""
        return {"PATH": os.environ["PATH"], "JAVA_HOME": os.environ.get("JAVA_HOME", str(JAVA_HOME))}

    @property
    def log(self) -> str:
        """All of logs/server.log."""
        path = self.home / "logs/server.log"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        """Start it in the background and wait until it says that it is complete."""
        before = len(STARTED.findall(self.log))
        assert self.script("startservernohup.sh").returncode == 0
        self.wait_for(lambda: len(STARTED.findall(self.log)) > before)

    def stop(self) -> None:
        """End it whatever it does."""
        self.script("forcestopserver.sh")

    def wait_for(self, is_so: object) -> None:
        """Wait until `is_so()`; fails with the log's end."""
        assert callable(is_so)
        deadline = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < deadline, self.log[-2000:]
            time.sleep(0.1)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Send one request to its application listener; returns status, body and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def processes(self) -> list[int]:
        """Return the processes of its JVM."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().decode(errors="replace").split("\0")
                if words[0].endswith("java") and f"-Dtongweb.home={self.home}" in words:
                    found.append(int(path.parent.name))
        return found

    def status_of(self, path: str) -> int | None:
        """Return the status of a GET; None: nobody listens."""
        try:
            return self.ask("GET", path)[0]
        except OSError:
            return None
