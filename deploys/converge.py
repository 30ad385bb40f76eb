"""The loop over stages and components that registers the operations of one host."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from pyinfra import logger
from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import host, state

from deploys import summary
from deploys.artifact import ArtifactError
from deploys.component import BARRIERS, FOUNDATIONS, Component, HostContext, Stage, Step
from deploys.components import COMPONENTS
from deploys.depot_client.spec import SigningKeyError
from deploys.derived import CHOICES, DEPLOYED_ROLES
from deploys.operations import architecture
from deploys.operations.barrier import barrier
from deploys.trust import AuthorityError
from inventory import InventoryError, environment, secrets
from inventory.database_kind import DatabaseKind
from inventory.secrets import SecretsError


class DeployError(PyinfraError, ValueError):
    """The site cannot be deployed as asked: inventory, secrets, artifacts or `only` are wrong."""


def converge_host() -> None:
    """Register every operation of the current host.

    Raises:
        DeployError: the site cannot be deployed as asked; nothing was changed.
    """
    only = host.data.get("only")
    if only is not None and only not in CHOICES:
        raise DeployError(f"only={only!r}: no such component; allowed: {', '.join(CHOICES)}")
    database_kind = host.data.get("database") or DatabaseKind.OCEANBASE
    if database_kind not in tuple(DatabaseKind):
        raise DeployError(f"database={database_kind!r}: no such database; allowed: {', '.join(DatabaseKind)}")
    summary.attach(state, os.environ.get(summary.ENVIRONMENT_VARIABLE))
    try:
        env = environment(host.data.get("environment"))
        context = HostContext(
            env=env,
            host=env.host(host.name),
            secrets=secrets.load(env.secrets_file, fences=env.fences),
            database_kind=DatabaseKind(database_kind),
        )
        _register(context, only)
    except (
        InventoryError,
        ArtifactError,
        AuthorityError,
        SecretsError,
        SigningKeyError,
        FileNotFoundError,
    ) as wrong:
        raise DeployError(str(wrong)) from wrong
    for role in context.host.roles:
        if role not in DEPLOYED_ROLES:
            host.log_styled(
                f"NOT DEPLOYED: role '{role}' has no component yet; only the baseline is converged here",
                fg="yellow",
                log_func=logger.warning,
            )


def _register(context: HostContext, only: str | None) -> None:
    architecture.fits(
        name="Make sure that the host is of the inventory's architecture", arch=context.host.arch
    )
    for line, action in enumerate(_actions(context, only), start=1):
        if action is not None:
            _call_from_line(line, action)


def _actions(context: HostContext, only: str | None) -> Iterator[Callable[[], object] | None]:
    """Yield the steps and barriers in their order; None for a step that this host does not need.

    So every host counts alike, and a step has the same line everywhere.
    """
    for stage in Stage:
        for component in COMPONENTS:
            for step in component.steps:
                if step.stage is stage:
                    is_needed = _is_needed(component, step, context, only)
                    yield partial(_run, component, step, context) if is_needed else None
        if stage in BARRIERS:
            yield partial(barrier, name=BARRIERS[stage], needed=_needed(stage, context, only))


def _needed(until: Stage, context: HostContext, only: str | None) -> tuple[str, ...]:
    """Return the names of the hosts that have a step of this run in a foundation, up to the stage `until`."""
    hosts = (replace(context, host=host) for host in context.env.hosts)
    steps = [
        (component, step)
        for component in COMPONENTS
        for step in component.steps
        if step.stage in FOUNDATIONS and step.stage <= until
    ]
    return tuple(each.host.name for each in hosts if any(_is_needed(*pair, each, only) for pair in steps))


def _is_needed(component: Component, step: Step, context: HostContext, only: str | None) -> bool:
    return (
        component.is_on(context.host)
        and only in (None, component.choice)
        and step.only_with in (None, context.database_kind)
    )


def _run(component: Component, step: Step, context: HostContext) -> None:
    module = component.module()
    getattr(module, step.deploy)(spec=module.spec_of(context))


def _call_from_line(line: int, action: Callable[[], object]) -> None:
    """Call `action` as if it stood on `line` of a script.

    pyinfra knows an operation by the lines that lead to it: hosts share the operations with the same lines,
    and of those that different hosts have next, the one with the lower line runs first. In a loop, every
    component would stand on the same line: operations of two components could count as one, and gateways
    could be waited for before the loan services.
    """

    def call() -> None:
        action()

    call.__code__ = call.__code__.replace(co_firstlineno=line)
    call()
