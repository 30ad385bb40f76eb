"""nginx as a gateway runs it, on loopback and without privileges: our configuration, Debian's program."""

import contextlib
import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.x509 import DNSName

from deploys import certificates
from deploys.content import AUTHORITY
from deploys.gateway import deploy as gateway
from deploys.gateway.spec import gateway_spec
from inventory.model import Environment, Role
from inventory.places import cache_dir
from lab.apt import Apt

_PACKAGE = "nginx"
_DEADLINE_S = 60.0
_NOBODY = "nobody"
_LOOPBACK = "127.0.0.1"
_DPKG_STATUS = Path("/var/lib/dpkg/status")
"""What this machine has: the libraries that nginx needs are among it."""


def program() -> Path:
    """Return nginx: the installed one, or Debian's, which is fetched once and unpacked, not installed.

    Installed it would start on port 80 of this machine.

    Raises:
        LabError: Debian's registry does not answer.
    """
    if installed := shutil.which("nginx", path="/usr/sbin:/usr/local/sbin"):
        return Path(installed)
    folder = cache_dir() / "unit-tests" / _PACKAGE
    unpacked = folder / "root"
    folder.mkdir(parents=True, exist_ok=True)
    # Several test processes may be here at once.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not unpacked.exists():
            apt = Apt(folder=folder / "apt")
            apt.update()
            downloads = folder / "downloads"
            apt.fetch_closure((_PACKAGE,), dpkg_status=_DPKG_STATUS, into=downloads)
            (package,) = downloads.glob(f"{_PACKAGE}_*.deb")
            unfinished = folder / "unfinished"
            subprocess.run(["dpkg-deb", "--extract", str(package), str(unfinished)], check=True)
            unfinished.rename(unpacked)
    return unpacked / "usr/sbin/nginx"


def configuration(env: Environment, folder: Path, *, port: int, upstream: str) -> str:
    """Write certificate and key into `folder`; return the configuration of the first gateway of `env`.

    It is as deployed but for what loopback and the lack of privileges change: the port, the portals, the
    user, and the places of files.

    + port: to listen on
    + upstream: ip:port in place of the portals
    """
    host = env.hosts_with(Role.GATEWAY)[0]
    now = certificates.utc_now()
    entrance = certificates.Subject(
        file_name=host.name,
        names=(DNSName(env.gateway.server_name), *certificates.addresses((_LOOPBACK,))),
    )
    issued = certificates.certificate(folder / "ca", entrance, now=now)
    spec = gateway_spec(env, host, certificate=issued.certificate, private_key=issued.private_key)
    authority = folder / Path(AUTHORITY).name
    authority.write_text(certificates.authority_certificate(folder / "ca", now=now))
    written = {file.path: file.content for file in gateway.files_of(spec)}
    for path in (gateway.CERTIFICATE, gateway.PRIVATE_KEY):
        (folder / Path(path).name).write_text(written[path])
    config = written[gateway.CONFIG]
    portals = "".join(f"        server {one} max_fails=1 fail_timeout=1s;\n" for one in spec.upstreams)
    replaced = {
        f"user {spec.nginx_user};\n": "daemon off;\n",
        "pid /run/nginx.pid;": f"pid {folder}/pid;",
        "/var/log/nginx/": f"{folder}/",
        "/etc/nginx/tls/": f"{folder}/",
        "worker_rlimit_nofile 65536;\n": "",
        "worker_connections 8192;": "worker_connections 64;",
        portals: f"        server {upstream};\n",
        f"listen {env.gateway.port} ssl backlog=4096;": f"listen {_LOOPBACK}:{port} ssl;",
    }
    for old, new in replaced.items():
        assert old in config, old
        config = config.replace(old, new)
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in places)
    return config.replace("http {\n", f"http {{\n{temporary}", 1)


@contextmanager
def running(env: Environment, upstream: str, *, without: str = "") -> Iterator[tuple[int, Path]]:
    """Run a gateway in front of `upstream`; gives its port and the authority's certificate.

    + without: text to take out of the configuration
    """
    with tempfile.TemporaryDirectory(prefix="loanstack-nginx-") as name, _free_port() as port:
        folder = Path(name)
        config = configuration(env, folder, port=port, upstream=upstream)
        assert without in config
        (folder / "nginx.conf").write_text(config.replace(without, ""))
        if os.geteuid() == 0:
            _give(folder)
        command = [str(program()), "-p", name, "-e", f"{name}/error.log", "-c", f"{name}/nginx.conf"]
        process = subprocess.Popen(command, **_without_privileges())
        try:
            _wait_until_it_listens(port, process, folder / "error.log")
            yield port, folder / Path(AUTHORITY).name
        finally:
            process.terminate()
            process.wait(_DEADLINE_S)


def _without_privileges() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam(_NOBODY)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


def _give(folder: Path) -> None:
    nobody = pwd.getpwnam(_NOBODY)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


@contextmanager
def _free_port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port = probe.getsockname()[1]
    yield port


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection((_LOOPBACK, port), 1):
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, f"nginx does not listen: {log.read_text()}"
        time.sleep(0.02)
