"""Tasks of Debian's maintainer scripts that a package of Kylin does in its own `%pre` and `%post`.

The package makes users, state directories and default files, so that a deploy finds the same on a lab host as
on a real host.
"""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SystemUser:
    """An account for a service, with a group of the same name."""

    name: str
    home: str


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A state directory."""

    path: str
    owner: str
    """User and group of that name."""
    mode: str = "0755"


@dataclass(frozen=True, kw_only=True)
class Chores:
    """The chores of one package."""

    users: tuple[SystemUser, ...] = ()
    directories: tuple[Directory, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    """(from, to): files packed a second time, as the configuration that Debian copies at installation."""
    links: tuple[tuple[str, str], ...] = ()
    """(path, target): symbolic links that Debian's alternatives make."""
    not_emulated: tuple[str, ...] = ()
    """Programs that an emulated host gets from this machine; paths without the first slash."""

    def before_install(self) -> tuple[str, ...]:
        """Return the shell lines of `%pre`."""
        return tuple(
            f"getent passwd {shlex.quote(user.name)} >/dev/null || useradd --system --user-group "
            f"--no-create-home --home-dir {shlex.quote(user.home)} --shell /usr/sbin/nologin "
            f"{shlex.quote(user.name)}"
            for user in self.users
        )

    def after_install(self) -> tuple[str, ...]:
        """Return the shell lines of `%post`."""
        made = tuple(
            shlex.join(["install", "-d", "-m", d.mode, "-o", d.owner, "-g", d.owner, d.path])
            for d in self.directories
        )
        linked = tuple(
            f"[ -e {shlex.quote(path)} ] || ln -s {shlex.quote(target)} {shlex.quote(path)}"
            for path, target in self.links
        )
        return made + linked


NONE = Chores()

CHORES: dict[str, Chores] = {
    "nginx-common": Chores(
        users=(SystemUser(name="nginx", home="/var/lib/nginx"),),
        directories=(
            Directory(path="/var/lib/nginx", owner="nginx", mode="0750"),
            Directory(path="/var/log/nginx", owner="nginx", mode="0750"),
        ),
    ),
    "prometheus": Chores(
        users=(SystemUser(name="prometheus", home="/var/lib/prometheus"),),
        directories=(
            Directory(path="/var/lib/prometheus", owner="prometheus"),
            Directory(path="/var/lib/prometheus/metrics2", owner="prometheus"),
        ),
    ),
    "prometheus-alertmanager": Chores(
        users=(SystemUser(name="prometheus", home="/var/lib/prometheus"),),
        directories=(
            Directory(path="/var/lib/prometheus", owner="prometheus"),
            Directory(path="/var/lib/prometheus/alertmanager", owner="prometheus"),
        ),
    ),
    "prometheus-node-exporter": Chores(
        users=(SystemUser(name="prometheus", home="/var/lib/prometheus"),),
        directories=(
            Directory(path="/var/lib/prometheus", owner="prometheus"),
            Directory(path="/var/lib/prometheus/node-exporter", owner="prometheus"),
        ),
    ),
    "chrony": Chores(
        users=(SystemUser(name="_chrony", home="/var/lib/chrony"),),
        directories=(
            Directory(path="/var/lib/chrony", owner="_chrony", mode="0750"),
            Directory(path="/var/log/chrony", owner="_chrony", mode="0750"),
        ),
        copies=(
            ("usr/share/chrony/chrony.conf", "etc/chrony/chrony.conf"),
            ("usr/share/chrony/chrony.keys", "etc/chrony/chrony.keys"),
        ),
    ),
    "haproxy": Chores(
        users=(SystemUser(name="haproxy", home="/var/lib/haproxy"),),
        directories=(Directory(path="/var/lib/haproxy", owner="haproxy", mode="0750"),),
    ),
    "etcd-server": Chores(
        users=(SystemUser(name="etcd", home="/var/lib/etcd"),),
        directories=(Directory(path="/var/lib/etcd", owner="etcd", mode="0700"),),
    ),
    # QEMU's user mode has no netfilter sockets.
    "nftables": Chores(not_emulated=("usr/sbin/nft",)),
    "mariadb-common": Chores(links=(("/etc/mysql/my.cnf", "mariadb.cnf"),)),
}
"""Chores by the name of the Debian package; other packages need none on a lab host."""
