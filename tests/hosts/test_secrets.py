"""Secrets are where they are needed, readable by root alone, and nowhere else: searched by their values."""

import stat

from deploys.derived import footprints
from deploys.etcd.spec import EtcdSpec
from inventory.model import Environment
from inventory.secrets import Secrets
from tests.hosts import facts
from tests.hosts.kit import Machine

_PLACES = "/etc /opt/loanstack /usr/local /root /home /tmp /var/tmp /var/log /var/cache /var/lib /run"
_DATA, _DATABASE_FILES = "/data", "store"
"""Gigabytes of database files, which hold no password in plain text, lie in folders of this name."""
_ETCD_LOG = f"file {EtcdSpec.data_dir}/member/wal/"
"""etcd 3.4 writes a password that it is given to its log before it makes a hash of it (3.5 after); the folder
is etcd's alone, which test_etcd looks at."""
# The values come on stdin into a shell variable: neither this script nor grep has them in an argv.
_SEARCH = f"""
values=$(cat)
patterns() {{ printf '%s\\n' "$values"; }}
look() {{
    grep --recursive --files-with-matches --fixed-strings --devices=skip --exclude-dir=metrics2 \\
        --exclude='*.rpm' --file=<(patterns) "$@" 2>/dev/null | sed 's/^/file /'
}}
look {_PLACES}
look --exclude-dir={_DATABASE_FILES} {_DATA}
ps axww -o args= | grep --fixed-strings --file=<(patterns) | sed 's/^/argv /'
journalctl --no-pager --quiet | grep --fixed-strings --file=<(patterns) | sed 's/^/journal /'
true
"""


def _allowed(env: Environment, machine: Machine) -> dict[str, str]:
    """Return the access that each file with a secret has."""
    found = {}
    for footprint in footprints(env, machine.spec):
        found |= dict.fromkeys(footprint.secret_files, "root:root 600")
        found |= {path: f"{account}:{account} 400" for path, account in footprint.service_secret_files}
    return found


def test_values_are_found_nowhere_else(machine: Machine, env: Environment, secrets: Secrets) -> None:
    values = "\n".join(secrets.named.values())
    lines = machine.run("bash -c %s", _SEARCH, stdin=values).splitlines()
    found = {line for line in lines if not line.startswith(_ETCD_LOG)}
    wanted = {f"file {path}" for path in _allowed(env, machine)}
    machine.expect("places with secrets", found=found, wanted=wanted)


def test_files_with_secrets_are_for_one_account_alone(machine: Machine, env: Environment) -> None:
    wanted = _allowed(env, machine)
    found = facts.access(machine.probe, set(wanted))
    machine.expect("access to files with secrets", found=found, wanted=wanted)


def test_secrets_on_the_control_machine_are_private(env: Environment) -> None:
    keys = [env.secrets_file, env.ssh.key_file, *env.ca_dir.glob("*.key")]
    assert len(keys) > 2
    open_ones = [str(path) for path in keys if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_ones == []
