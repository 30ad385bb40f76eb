"""A barrier: all hosts reach it before any goes on, and none goes on without those that it stands on."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host, state

from deploys.operations.refusal import refusal


@operation()
def barrier(needed: tuple[str, ...] = ()) -> Generator[StringCommand, None, None]:
    """Do nothing, on every host at once; refuse to go on, on every host, if a needed one has failed.

    pyinfra orders the operations of one host. Between hosts, only an operation that they share is a barrier.
    Without it, the deploy would wait for loan services before their schema is applied. And pyinfra leaves a
    host out once it has failed: with two of three etcd members lost, it would go on to the databases.

    + needed: names of hosts; one that this run never reached does not count, because it was not changed
    """
    failed = sorted(each.name for each in state.failed_hosts & state.activated_hosts if each.name in needed)
    if failed:
        yield refusal(
            f"{host.name}: the run ends here, because {', '.join(failed)} failed, and what comes next stands "
            "on it; put that right and deploy again, or leave it out with --exclude"
        )
        return
    host.noop("every host that the next stage stands on is there")
