"""`upgrade`: one component, host by host, without a failed request: drain, replace, judge, put back.

The state of an upgrade is kept on the hosts, as the reason why they are out of rotation. So the next run can
complete a run that was killed.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.system.world import WorldError
from inventory.model import Environment, Host
from loanstack.commands.background_load import BackgroundLoad
from loanstack.commands.deploy import deploy
from loanstack.commands.seed import seed
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, Task
from loanstack.system.rotation import ARTIFACTS, DEPLOYS, ROLES, UPGRADE, InstanceState, Rotation
from proof import promised
from proof.exits import ExitCode
from proof.objectives import evaluate
from proof.verdict import Verdict, failed, overall


@dataclass(frozen=True, kw_only=True)
class UpgradeParameters:
    """What to upgrade, and how many hosts at a time."""

    component: str
    batch: int = 1
    restart: bool = False
    """Restart the component on every host, even if its version is right."""
    rate_per_s: float = 0.0
    """Rate of the writes that our clients make meanwhile; 0: only real customers send requests."""


def upgrade(task: Task, asked: UpgradeParameters) -> Results:
    """Bring every host of a component to the version that the inventory lists.

    The first host whose new version does not start, or does not answer as it should, gets its previous
    version back. Then the upgrade ends, and the remaining hosts keep their versions.

    Raises:
        CommandError: a host does not answer, or too few hosts would be left in service.
    """
    began_s = time.monotonic()
    rotation = Rotation(task.env, asked.component)
    try:
        left = _left(task, asked, rotation)
        # If no host is to be replaced, the objectives of the load do not apply.
        judged_by = promised.of_upgrade(under_load=bool(left) and asked.rate_per_s > 0)
        task.begin(judged_by)
        upgraded, failure, clients = _under_load(task, asked, rotation, left)
    except WorldError as unfit:
        raise CommandError(str(unfit), code=ExitCode.INVALID) from None
    finally:
        rotation.close()
    figures: dict[str, float] = {
        "hosts_upgraded": len(upgraded),
        "hosts_rolled_back": len(failure),
        "upgrade_s": round(time.monotonic() - began_s, 2),
        **clients,
    }
    verdict, reasons = overall((*failed("hosts", failure), *evaluate(judged_by, figures)))
    results = Results(
        verb="upgrade", environment=task.env.name, verdict=verdict, reasons=reasons, figures=figures
    )
    return task.end(results)


def _left(task: Task, asked: UpgradeParameters, rotation: Rotation) -> list[Host]:
    """Return the hosts that are to be upgraded, in order."""
    hosts = task.env.hosts_with(ROLES[asked.component])
    with task.step("look"):
        states = [rotation.state(host) for host in hosts]
    left = in_order(task.env, asked.component, states, everybody=asked.restart)
    if not left:
        task.console.say(f"{asked.component} is up to date on {', '.join(host.name for host in hosts)}")
    return left


def _under_load(
    task: Task, asked: UpgradeParameters, rotation: Rotation, left: Sequence[Host]
) -> tuple[list[str], list[str], dict[str, float]]:
    """Upgrade the hosts while clients write; return upgraded hosts, failures, and the clients' figures."""
    if not left or not asked.rate_per_s:
        return *_upgrade(task, asked, rotation, left), {}
    seed(task)
    load = BackgroundLoad(task, rate_per_s=asked.rate_per_s)
    with load:
        upgraded, failure = _upgrade(task, asked, rotation, left)
    return upgraded, failure, load.figures()


def _upgrade(
    task: Task, asked: UpgradeParameters, rotation: Rotation, left: Sequence[Host]
) -> tuple[list[str], list[str]]:
    hosts = task.env.hosts_with(ROLES[asked.component])
    upgraded: list[str] = []
    for first in range(0, len(left), asked.batch):
        batch = left[first : first + asked.batch]
        with task.step(f"look: {_names(batch)}"):
            states = [rotation.state(host) for host in hosts]
        if problem := too_few_left(states, [host.name for host in batch]):
            raise CommandError(problem, code=ExitCode.INVALID)
        failures = [failure for host in batch if (failure := _one(task, asked, rotation, host))]
        if failures:
            return upgraded, failures
        upgraded += [host.name for host in batch]
    return upgraded, []


def wanted_version(env: Environment, component: str, host: Host) -> str:
    """Return the version of a component that the inventory lists for `host`."""
    return env.artifact(ARTIFACTS[component], host.arch).version


def in_order(
    env: Environment, component: str, states: Sequence[InstanceState], *, everybody: bool = False
) -> list[Host]:
    """Return the hosts that are still to be upgraded; first those that an earlier run left half-way.

    + everybody: return the other hosts too, after them
    """
    hosts = {state.host: env.host(state.host) for state in states}
    left = [
        state
        for state in states
        if everybody
        or UPGRADE in state.out_because
        or state.version != wanted_version(env, component, hosts[state.host])
    ]
    return [hosts[state.host] for state in sorted(left, key=lambda state: UPGRADE not in state.out_because)]


def version_before(state: InstanceState, wanted: str) -> str:
    """Return the version to roll back to: the one that ran before this upgrade or an interrupted one."""
    return state.previous if state.version == wanted and UPGRADE in state.out_because else state.version


def too_few_left(states: Sequence[InstanceState], leaving: Sequence[str]) -> str | None:
    """Return why the hosts in `leaving` may not leave the rotation now; None: they may."""
    staying = [state for state in states if state.host not in leaving]
    if any(state.is_serving for state in staying):
        return None
    why = ", ".join(f"{state.host} is {_trouble(state)}" for state in staying) or "there is no other host"
    return (
        f"no host would be left in service without {' and '.join(leaving)}: {why};"
        " bring one back first, or choose a smaller --batch"
    )


def _trouble(state: InstanceState) -> str:
    return f"out because of {' and '.join(state.out_because)}" if state.out_because else "not well"


def _one(task: Task, asked: UpgradeParameters, rotation: Rotation, host: Host) -> str | None:
    """Upgrade one host; return why it was rolled back, or None if it has the new version."""
    found, wanted = rotation.state(host), wanted_version(task.env, asked.component, host)
    before = version_before(found, wanted)
    with task.step(f"drain {host.name}"):
        rotation.drain(host)
    with task.step(f"replace on {host.name}"):
        done = deploy(task.part(host.name), only=DEPLOYS[asked.component], limit=host.name)
    why = _own_words(done.reasons, host) if done.verdict is not Verdict.PASS else None
    if why is None and asked.restart and found.version == wanted:
        with task.step(f"restart {host.name}"):
            why = _refused(rotation.restart, host)
    if why is None:
        with task.step(f"judge {host.name}"):
            why = _refused(rotation.judge, host)
    if why is not None:
        why = f"{host.name}: {why}; it has {before} again"
        with task.step(f"roll {host.name} back"):
            if rotation.state(host).version != before:
                rotation.roll_back(host)
            if again := _refused(rotation.judge, host):
                return f"{why}, which does not answer either, so it stays out of rotation: {again}"
    with task.step(f"bring {host.name} back"):
        rotation.put_back(host)
    return why


def _refused(command: Callable[[Host], object], host: Host) -> str | None:
    try:
        command(host)
    except WorldError as refused:
        return _own_words([str(refused)], host)
    return None


def _own_words(reasons: Sequence[str], host: Host) -> str:
    """Return the reasons that begin with the host's name, without it; all reasons if none does."""
    said = [reason for reason in reasons if reason.startswith(f"{host.name}: ")] or reasons
    return "; ".join(reason.removeprefix(f"{host.name}: ") for reason in said)


def _names(hosts: Sequence[Host]) -> str:
    return ", ".join(host.name for host in hosts)
