"""Locust's own `--master`, `--worker` and `--processes`, for whoever wants its web page and tables.

Each of its workers makes a share of the plan and keeps a record of its own below `workers/`. These are not
merged, no clock is compared and a lost worker is only logged: that is what `loadtests.workers` is for.
"""

import argparse
from dataclasses import replace
from typing import Any

import gevent
from locust.env import Environment as LocustEnvironment
from locust.runners import WORKER_REPORT_INTERVAL, MasterRunner, Runner, WorkerRunner

from loadtests.plan.options import LoadOptions, OptionsError
from loadtests.plan.share import Share
from loadtests.workers.merge import folder_of

_DONE = "loanstack-done"


def is_master(runner: Runner | None) -> bool:
    """Say whether this process only conducts others: it sends nothing and keeps no record."""
    return isinstance(runner, MasterRunner)


def is_worker(runner: Runner | None) -> bool:
    """Say whether this process takes its orders from Locust's master."""
    return isinstance(runner, WorkerRunner)


def placed(asked: LoadOptions, runner: Runner | None, parsed: argparse.Namespace) -> LoadOptions:
    """Return the options with the share and folder that are this worker's; others stay as they are.

    Raises:
        OptionsError: shares could not be told apart, or would not fit together.
    """
    if not is_master(runner) and not isinstance(runner, WorkerRunner):
        return asked
    of = parsed.processes or parsed.expect_workers
    problems = []
    if asked.users % of:
        problems.append(f"--users {asked.users} for {of} workers; allowed: a multiple, as Locust shares out")
    if parsed.run_seed is None:
        problems.append("--run-seed is missing; needed: the same one for master and workers")
    if isinstance(runner, WorkerRunner) and runner.worker_index >= of:
        problems.append(
            f"{of} workers are expected and this is one more; give all of them the same --expect-workers"
        )
    if problems:
        raise OptionsError(tuple(problems))
    if not isinstance(runner, WorkerRunner):
        return asked
    share = Share(number=runner.worker_index + 1, of=of)
    return replace(asked, share=share, run_folder=folder_of(asked.run_folder, share.number))


def quit_when_all_are_done(environment: LocustEnvironment) -> None:
    """Have the master end the load once each worker that is left has said that it is done."""
    runner = environment.runner
    assert isinstance(runner, MasterRunner)
    done = set()

    def hear(msg: Any, **_: object) -> None:  # noqa: ANN401 - Locust's message, without types
        done.add(msg.node_id)
        if len(done) >= runner.worker_count:
            runner.quit()

    runner.register_message(_DONE, hear)


def tell_done(runner: WorkerRunner) -> None:
    """Tell the master that every arrival of this worker has its outcome, once it has the statistics too."""
    gevent.sleep(WORKER_REPORT_INTERVAL + 1.0)
    runner.send_message(_DONE)
