"""One service of this host: out of rotation, drained, judged, put back, rolled back."""

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from hosttools import programs, waiting, web
from hosttools.errors import ToolError
from hosttools.numbers import whole_number
from hosttools.rotation import port
from hosttools.rotation.reasons import Reasons
from hosttools.rotation.settings import RotationSettings

_ANSWER_S = 2.0
_SMOKE_TEST_ANSWER_S = 30.0
_COMMAND_S = 900.0
_REASONS_NOTICED_S = 0.8
"""Whoever sends requests looks for reasons four times a second."""
_ASKED_AGAIN_S = 0.1
_NEW_CURRENT, _NEW_PREVIOUS = ".current-new", ".previous-new"
"""Links that are made beside the old ones, and then renamed."""


class Service:
    """One service of this host."""

    def __init__(self, settings: RotationSettings) -> None:
        self._settings = settings
        self.reasons = Reasons(Path(settings.out_of_rotation))

    def is_well(self) -> bool:
        """Return whether it says that it is ready."""
        return web.body_of(self._settings.well_url, limit_s=_ANSWER_S) is not None

    def in_flight(self) -> int | None:
        """Return how many requests are under way there; None: it does not say.

        Where no process listens, or a server answers that it has no such application, there are none.

        Raises:
            ToolError: its metrics have something else in place of the number.
        """
        url = self._settings.metrics_url
        answer = web.ask(url, limit_s=_ANSWER_S)
        if answer is None:
            return 0 if web.is_refused(url, limit_s=_ANSWER_S) else None
        if answer.status != HTTPStatus.OK:
            return 0 if answer.status == HTTPStatus.NOT_FOUND else None
        start = f"{self._settings.in_flight} "
        values = (line.removeprefix(start) for line in answer.body.splitlines() if line.startswith(start))
        # Metrics are written as floating-point numbers.
        return whole_number(next(values, "0").partition(".")[0], self._settings.in_flight)

    def drain(self, reason: str) -> None:
        """Take it out for `reason`, wait until nothing is under way, and close its port to senders.

        A service that does not say how many are under way may be slow because of them, so it is asked until
        the end of the time. Who must go on then, such as the stop of its unit, goes on after the error.

        Raises:
            ToolError: requests were still under way at the end of the time, or it never said.
        """
        self.reasons.add(reason)
        waiting.pause(_REASONS_NOTICED_S)
        left: int | None = None

        def is_idle() -> bool:
            nonlocal left
            left = self.in_flight()
            return left is not None and left <= self._settings.idle_in_flight

        limit_s = self._settings.drain_s
        try:
            waiting.until(is_idle, limit_s, "requests to end", pause_s=_ASKED_AGAIN_S)
        except waiting.TooLateError:
            count = f"{self._settings.name} does not say how many" if left is None else f"{left}"
            raise ToolError(f"{count} requests are still under way after {limit_s:g} s") from None
        self.close_port(reason)

    def close_port(self, reason: str) -> None:
        """Take it out for `reason`, and close its port to senders."""
        self.reasons.add(reason)
        if self._settings.senders:
            port.close(self._settings)

    def put_back(self, reason: str) -> None:
        """Remove `reason`; if it was the last one, open the port, and return when senders have noticed."""
        self.reasons.remove(reason)
        if self.reasons.names():
            return
        if self._settings.senders:
            port.open_again(self._settings)
        # The caller may take another one out next: until senders use this one again, there would be none.
        waiting.pause(self._settings.back_s)

    def smoke_test(self) -> str:
        """Return what it answered to real requests, if each was answered with 200.

        Raises:
            ToolError: another answer came; has all answers and their numbers.
        """
        settings = self._settings
        headers = {"X-Legal-Entity": settings.smoke_test_entity}
        answers = (
            web.ask(f"{settings.smoke_test_url}?{number}", limit_s=_SMOKE_TEST_ANSWER_S, headers=headers)
            for number in range(1, settings.smoke_test_requests + 1)
        )
        count = Counter("no answer" if each is None else str(each.status) for each in answers)
        said = ", ".join(f"{times} x {status}" for status, times in sorted(count.items()))
        wanted = f"{settings.smoke_test_requests} x 200"
        if said != wanted:
            raise ToolError(f"{settings.name} answers {said} instead of {wanted}")
        return said

    def restart(self) -> None:
        """Start it anew, and return when it answers.

        Raises:
            ToolError: it did not.
        """
        self._run_all(self._settings.restart)

    def version(self, link: str) -> str:
        """Return the version that `link` (`current`, `previous`) points at; empty: there is none."""
        path = Path(self._settings.folder) / link
        return str(path.readlink()) if path.is_symlink() else ""

    def roll_back(self) -> str:
        """Put the version of before in place, start it, and return it; finish one that was killed.

        Raises:
            ToolError: there is none, or it did not start.
        """
        folder = Path(self._settings.folder)
        current, before = self.version("current"), self.version("previous")
        if before == current and self.version(_NEW_PREVIOUS) not in ("", current):
            # One that was killed between the two renames has only the second one left to do.
            (folder / _NEW_PREVIOUS).rename(folder / "previous")
        elif before in ("", current) or not (folder / before).is_dir():
            raise ToolError(f"there is no version of before in {folder}")
        else:
            for link, target in ((_NEW_PREVIOUS, current), (_NEW_CURRENT, before)):
                (folder / link).unlink(missing_ok=True)
                (folder / link).symlink_to(target)
            (folder / _NEW_CURRENT).rename(folder / "current")
            (folder / _NEW_PREVIOUS).rename(folder / "previous")
        self._run_all(self._settings.after_roll_back)
        return before

    def _run_all(self, commands: Sequence[Sequence[str]]) -> None:
        for command in commands:
            ended = programs.run(command, limit_s=_COMMAND_S, with_children=True)
            if not ended.succeeded:
                raise ToolError(f"{' '.join(command)} failed: {ended.words}")
        if self._settings.ready_s:
            waiting.until(self.is_well, self._settings.ready_s, f"{self._settings.name} to be well")
