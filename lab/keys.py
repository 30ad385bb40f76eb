"""SSH keys of the lab: one to log in with, one per host, all known before the first connection."""

from collections.abc import Sequence
from pathlib import Path

from inventory.model import Environment, Host
from lab.commands import run


def host_key(lab_dir: Path, host: Host) -> Path:
    """Return the private host key file of `host`."""
    return lab_dir / "ssh" / "hosts" / host.name / "ssh_host_ed25519_key"


def ensure(environment: Environment, lab_dir: Path) -> None:
    """Make the log-in key, the host keys, known_hosts and an ssh configuration, as far as they are missing.

    + lab_dir: the lab's state folder
    """
    folder = lab_dir / "ssh"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _ensure_key(environment.ssh.key_file, comment="loanstack-lab")
    for host in environment.hosts:
        key = host_key(lab_dir, host)
        key.parent.mkdir(parents=True, exist_ok=True)
        _ensure_key(key, comment=host.name)
    environment.ssh.known_hosts_file.write_text(
        "".join(
            known_hosts_line(h, host_key(lab_dir, h).with_suffix(".pub").read_text())
            for h in environment.hosts
        )
    )
    (folder / "config").write_text(ssh_config(environment))


def known_hosts_line(host: Host, public_key: str) -> str:
    """Return the known_hosts line of `host`, for its name and its address."""
    kind, key = public_key.split()[:2]
    return f"{host.name},{host.management_address} {kind} {key}\n"


def ssh_config(environment: Environment) -> str:
    """Return an ssh configuration with which `ssh -F FILE HOST` reaches every host by its name."""
    blocks = [
        f"Host {host.name} {host.management_address}\n"
        f"    HostName {host.management_address}\n"
        f"    User {environment.ssh.user}\n"
        f"    IdentityFile {environment.ssh.key_file}\n"
        f"    IdentitiesOnly yes\n"
        f"    UserKnownHostsFile {environment.ssh.known_hosts_file}\n"
        f"    StrictHostKeyChecking yes\n"
        for host in environment.hosts
    ]
    return "\n".join(blocks)


def ssh_command(lab_dir: Path, host: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
    """Return the command line that logs in on `host`, or runs the already quoted `arguments` there."""
    return ["ssh", "-F", str(lab_dir / "ssh" / "config"), *options, host, *arguments]


def _ensure_key(path: Path, *, comment: str) -> None:
    public = path.with_suffix(".pub")
    if path.exists() and public.exists():
        return
    path.unlink(missing_ok=True)
    run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)],
        doing=f"make the SSH key {path.name} of {comment}",
        deadline_s=20,
    )
