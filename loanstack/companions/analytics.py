"""Scenario `analytics`: heavy reports during the load, one after the other, on the same database."""

import threading
import time
from types import TracebackType
from typing import Self

from inventory.database_kind import DatabaseKind
from inventory.model import DatabaseRole
from loadtests.results.figures import LoadFigures
from loanstack.companions import measured_start, report_record
from loanstack.companions.companion import AccompaniedLoad
from loanstack.companions.databases import host_with
from loanstack.companions.report_record import REPORTS_FILE, Reported
from loanstack.companions.report_session import TIMEOUT_S, ReportError, ReportSession, counted
from loanstack.companions.reports import REPORTS, Report
from loanstack.runs.task import Task
from processes.lines import ChannelClosedError
from proof.verdict import Finding

_AFTER_FAILURE_S = 1.0
_BROKEN_OFF_S = 1.0
"""Grace of the report that still runs when the traffic was broken off: its answer is not needed then."""


def build(load: AccompaniedLoad) -> "Analytics":
    """Return the reports that run beside `load`."""
    on = DatabaseRole(load.settings["analytics_on"].upper())
    return Analytics(load.task, on=on, database=load.database)


class Analytics:
    """Runs reports from the first arrival until the traffic is over."""

    def __init__(
        self, task: Task, *, on: DatabaseRole, database: DatabaseKind = DatabaseKind.OCEANBASE
    ) -> None:
        """Prepare it.

        + on: host of the database that runs the reports
        + database: database product of the pair
        """
        self._task = task
        self._on = on
        self._database = database
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._act, daemon=True)
        self._session: ReportSession | None = None

    def __enter__(self) -> Self:
        """Begin to wait for the first arrival."""
        env = self._task.env
        self._session = ReportSession(env, host_with(env, self._on, self._database), self._database)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the report that runs, which the database cancels after its time-out, then end."""
        self._over.set()
        self._thread.join(TIMEOUT_S if error is None else _BROKEN_OFF_S)
        if self._session is not None:
            self._session.close()

    def finding(self, found: LoadFigures) -> Finding:
        """Return the finding over the reports."""
        run_info = found.run_info
        reported = report_record.read(self._task.folder.path)
        return report_record.judge(
            reported, from_s=run_info.start_s, until_s=run_info.start_s + run_info.measured_s
        )

    def _act(self) -> None:
        folder = self._task.folder.path
        measured_start.wait(folder, warm_up_s=0.0, over=self._over)
        with (folder / REPORTS_FILE).open("wb", buffering=0) as file:
            while not self._over.is_set():
                for report in REPORTS:
                    if self._over.is_set():
                        break
                    reported = self._run(report)
                    file.write(report_record.encode(reported))
                    if reported.error is not None:
                        self._over.wait(_AFTER_FAILURE_S)

    def _run(self, report: Report) -> Reported:
        assert self._session is not None
        started_s = time.time()
        try:
            rows = self._session.run(report)
        except (ReportError, ChannelClosedError, ValueError) as failed:
            return Reported(name=report.name, started_s=started_s, ended_s=time.time(), error=str(failed))
        return Reported(
            name=report.name,
            started_s=started_s,
            ended_s=time.time(),
            rows=len(rows),
            counted=counted(rows),
            wrong=report.wrong(rows),
        )
