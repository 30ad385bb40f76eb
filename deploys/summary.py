"""The summary of a run, for other programs: `LOANSTACK_DEPLOY_SUMMARY=FILE` writes it.

The file is rewritten after each operation and at the end, so that it also describes an interrupted run.
{"hosts": {HOST: {"operations": n, "changed": n, "failed": n, "error": text or null, "changes": [names]}},
 "steps": [{"name", "seconds"}]}
"""

import atexit
import json
import time
from pathlib import Path

from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.api.state import BaseStateCallback, State

from deploys.fact_failures import FactFailures

ENVIRONMENT_VARIABLE = "LOANSTACK_DEPLOY_SUMMARY"
_STDERR_LINES = 3


class Summary(BaseStateCallback):
    """Writes the summary as operations end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[dict[str, object]] = []
        self.began_s = time.monotonic()
        self.fact_failures = FactFailures()

    def operation_start(self, state: State, op_hash: str) -> None:  # type: ignore[override]
        """Remember when an operation began."""
        self.began_s = time.monotonic()

    def operation_end(self, state: State, op_hash: str) -> None:  # type: ignore[override]
        """Write the present summary."""
        name = ", ".join(sorted(state.get_op_meta(op_hash).names))
        self.steps.append({"name": name, "seconds": round(time.monotonic() - self.began_s, 2)})
        self.write(state)

    def write(self, state: State) -> None:
        """Write the whole file."""
        hosts = {
            h.name: _of_host(state, h, self.fact_failures.of(h.name))
            for h in state.inventory
            if state.is_host_in_limit(h)
        }
        unfinished = self.path.with_name(f".{self.path.name}.new")
        unfinished.write_text(json.dumps({"hosts": hosts, "steps": self.steps}, indent=1, ensure_ascii=False))
        unfinished.rename(self.path)


def _of_host(state: State, host: Host, fact_failure: str | None) -> dict[str, object]:
    ran = [(h, data.operation_meta) for h, data in state.ops[host].items()]
    ended = [(h, meta) for h, meta in ran if meta.is_complete()]
    failed = [(h, meta) for h, meta in ended if meta.did_error()]
    changes = [", ".join(state.get_op_meta(h).names) for h, meta in ended if meta.did_change()]
    error, broke = None, fact_failure or "the connection broke"
    if failed:
        op_hash, meta = failed[-1]
        said = " / ".join(meta.stderr_lines[-_STDERR_LINES:])
        error = f"{', '.join(state.get_op_meta(op_hash).names)}: {said or broke}"
    elif host in state.failed_hosts:
        error = broke if host in state.activated_hosts else "could not connect"
    return {
        "operations": len(ended),
        "changed": len(changes),
        "failed": len(failed) or int(error is not None),
        "error": error,
        "changes": changes,
    }


def attach(state: State, path: str | None) -> None:
    """Write a summary of this run to `path`, only once for all hosts.

    + path: value of the environment variable; None or empty: no summary
    """
    if path and not any(isinstance(handler, Summary) for handler in state.callback_handlers):
        summary = Summary(Path(path).absolute())
        state.add_callback_handler(summary)  # type: ignore[no-untyped-call]
        logger.addHandler(summary.fact_failures)
        # If an operation fails on the last remaining host, the run ends without the operation's end event.
        atexit.register(summary.write, state)
