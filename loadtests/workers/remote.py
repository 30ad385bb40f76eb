"""Workers on hosts of role loadgen, as the control machine starts, ends and empties them over SSH.

Nothing else goes between the machines: an SSH session starts the worker's unit and waits for its end, and
carries its connection to the master, from one loopback address to the other.
"""

import re
import shlex
import tarfile
from collections.abc import Sequence
from pathlib import Path

from inventory.model import Environment, Host
from inventory.ssh import LOAD_ENVIRONMENT_FILE, LOAD_PORTS, LOAD_UNIT, LOAD_WORKER, ssh_argv
from loadtests.workers.on_host import RECORD
from loadtests.workers.placement import Place
from processes import ssh
from processes.child import Completed

_ANSWER_WITHIN_S = 20.0
_RECORD_WITHIN_S = 120.0
"""Some seconds until the worker has ended, and 100 MB over a slow line."""
_LAST_LINES = 30
_EXITED = 1
"""`ExecMainCode` of a process that ended by itself (CLD_EXITED); others were killed by a signal."""


def work_argv(env: Environment, place: Place, *, master_port: int) -> list[str]:
    """Return the command line that starts a worker at `place`, a host, and lasts until it has ended.

    Its standard input is the worker's environment file, which so is in no command line.

    + master_port: where the master listens on this machine
    """
    assert place.host is not None
    unit = LOAD_UNIT.format(slot=place.slot)
    variables = LOAD_ENVIRONMENT_FILE.format(slot=place.slot)
    told = f"install -m 0600 /dev/stdin {variables}"
    start = f"systemctl reset-failed {unit} 2>/dev/null; systemctl start --wait {unit}; rm -f {variables}"
    said = f"journalctl --quiet --no-pager --output cat --lines {_LAST_LINES} --unit {unit}"
    ended = f"systemctl show --property ExecMainCode,ExecMainStatus {unit}"
    ports = (LOAD_PORTS[place.slot - 1], master_port)
    return ssh_argv(env, place.host, f"{told}; {start}; {said}; {ended}", reverse=ports)


def worker_status(ssh_status: int, log: Path) -> int:
    """Return how a worker on a host ended: exit code, or minus the signal that killed it.

    + ssh_status: how the session of `work_argv` ended; if that was not by itself, this is returned
    + log: what the session printed
    """
    if ssh_status != 0:
        return ssh_status
    shown = dict(re.findall(r"^(ExecMain\w+)=(\d+)$", log.read_text(errors="replace"), flags=re.MULTILINE))
    if not {"ExecMainCode", "ExecMainStatus"} <= set(shown):
        return ssh.UNREACHABLE
    status = int(shown["ExecMainStatus"])
    return status if int(shown["ExecMainCode"]) == _EXITED else -status


def kill(env: Environment, place: Place) -> None:
    """Kill the worker at `place`, a host, which hears nothing; that the host does not hear us is no error."""
    assert place.host is not None
    command = f"systemctl kill --signal KILL {LOAD_UNIT.format(slot=place.slot)}"
    ssh.run(env, place.host, command, within_s=_ANSWER_WITHIN_S)


def problems(env: Environment, hosts: Sequence[Host], *, version: str) -> tuple[str, ...]:
    """Ask each of `hosts` whether it can make load, and return a sentence for each that cannot."""
    asked = shlex.join([LOAD_WORKER, "check", "--version", version])
    answers = ssh.run_on_all(env, [(host, asked) for host in hosts], within_s=_ANSWER_WITHIN_S)
    return tuple(why for host, done in answers if (why := _refusal(env, host, done)) is not None)


def fetch(env: Environment, place: Place, *, into: Path) -> str | None:
    """Copy what the worker at `place` recorded into a folder; return why that failed, or None.

    A file that did not come whole is one that is cut off, as if the worker had been killed.
    """
    assert place.host is not None
    asked = shlex.join([LOAD_WORKER, "record", "--slot", str(place.slot)])
    packed = into / "record.tar.gz"
    done = ssh.run(env, place.host, asked, within_s=_RECORD_WITHIN_S, stdout=packed)
    broken: Exception | None = None
    try:
        with tarfile.open(packed, mode="r|gz") as tar:
            for member in tar:
                if member.name in RECORD and member.isfile():
                    tar.extract(member, into, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        broken = error
    packed.unlink()
    if done is None:
        return f"did not send its record within {_RECORD_WITHIN_S:g} s"
    if done.returncode == 0 and broken is None:
        return None
    return f"did not send its record ({_last_words(done) or broken})"


def _refusal(env: Environment, host: Host, done: Completed | None) -> str | None:
    if done is None:
        return f"{host.name} did not answer within {_ANSWER_WITHIN_S:g} s"
    words = _last_words(done)
    match done.returncode:
        case 0:
            return None
        case 2 if words.startswith("load: "):
            return words.removeprefix("load: ")
        case 127:
            deploy = f"loanstack deploy {env.name} --only load_generator"
            return f"{host.name}: no load generator is deployed there; run: {deploy}"
        case ssh.UNREACHABLE:
            return f"{host.name} does not let us in: {words or 'ssh says nothing'}; is it up?"
        case status:
            return f"{host.name}: the load generator ended with status {status}: {words or 'no word'}"


def _last_words(done: Completed) -> str:
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else ""
