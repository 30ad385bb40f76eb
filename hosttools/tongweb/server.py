"""The server of this host, from its start to the portal that answers, warm and in rotation."""

import os
import re
from pathlib import Path

from hosttools import entry, files, waiting, web
from hosttools.errors import ToolError
from hosttools.numbers import shortened, whole_number
from hosttools.rotation.service import Service
from hosttools.tongweb.log import ServerLog
from hosttools.tongweb.settings import NAME, TongWebSettings
from hosttools.tongweb.warm_up import warm_up, warm_up_url

_STARTED = "TongWeb server startup complete in"
_STARTING = "starting"
"""Reason to be out of rotation while it starts."""
_ANSWER_S = 2.0
_VERSION = re.compile(r'^portal_info\{version="([^"]*)"\} 1$', re.MULTILINE)
_WAR = "portal.war"
_WAR_MODE = 0o640


class Server:
    """The server of this host."""

    def __init__(self, settings: TongWebSettings, log: ServerLog, rotation: Service) -> None:
        self._settings = settings
        self._log = log
        self._rotation = rotation

    def begin(self) -> None:
        """Shut gateways out, and note where the log of this start begins."""
        self._rotation.close_port(_STARTING)
        self._log.begin()

    def ready(self, main_pid: int | None) -> None:
        """Return when the server and the portal answer, warm, and gateways are let in.

        + main_pid: the server's process, if systemd has named it

        Raises:
            ToolError: the server ended, or is not up in time; has its own reason.
        """
        settings = self._settings

        def is_up() -> bool:
            if main_pid is not None and not Path(f"/proc/{main_pid}").exists():
                raise ToolError(f"it ended: {self._log.why()}")
            return _STARTED in self._log.this_start() and self._answers()

        self._wait(is_up, settings.ready_s, "the server to be ready")
        try:
            waiting.until(lambda: self.version() is not None, settings.application_s, "the portal")
        except waiting.TooLateError:
            entry.say(NAME, f"up without the portal, and so out of rotation: {self._log.why()}")
            return
        self._put_back_warm()

    def serve(self, version: str) -> None:
        """Return when the portal answers in `version`, warm, and gateways are let in.

        + version: the version, or `current` for the one in place

        Raises:
            ToolError: it does not answer in time.
        """
        if version == "current":
            version = str((Path(self._settings.portal_dir) / "current").readlink())
        what = f"portal {version} to answer"
        self._wait(lambda: self.version() == version, self._settings.replaced_s, what)
        self._put_back_warm()

    def version(self) -> str | None:
        """Return the version of the portal that answers; None: none does."""
        body = web.body_of(f"{self._settings.portal_url}/metrics", limit_s=_ANSWER_S)
        found = None if body is None else _VERSION.search(body)
        return None if found is None else found[1]

    def install_war(self) -> None:
        """Copy the current portal to where the server looks for it; whole, because it looks at any moment.

        Raises:
            ToolError: it cannot be written.
        """
        war = Path(self._settings.portal_dir) / "current" / _WAR
        target = Path(self._settings.home) / "autodeploy" / _WAR
        files.write(target, war.read_bytes(), mode=_WAR_MODE, owner=self._settings.service_user)

    @property
    def war(self) -> str:
        """Path of the current portal."""
        return f"{self._settings.portal_dir}/current/{_WAR}"

    def _answers(self) -> bool:
        """Return whether it answers anything at all."""
        return web.ask(self._settings.server_url, limit_s=_ANSWER_S) is not None

    def _put_back_warm(self) -> None:
        settings = self._settings
        try:
            # Services that are not there yet cannot be asked.
            waiting.until(self._sees_a_service, settings.services_s, "a loan service")
        except waiting.TooLateError:
            entry.say(NAME, "no loan service is there: not warmed up")
        else:
            warm_up(warm_up_url(settings.portal_url), settings.warm_up_requests, settings.warm_up_s)
        self._rotation.put_back(_STARTING)

    def _sees_a_service(self) -> bool:
        return web.body_of(f"{self._settings.portal_url}/healthz", limit_s=_ANSWER_S) is not None

    def _wait(self, condition: waiting.Condition, limit_s: float, what: str) -> None:
        try:
            waiting.until(condition, limit_s, what)
        except waiting.TooLateError as late:
            answers = shortened(self.version() or "none")
            raise ToolError(f"{late}; portal that answers: {answers}; {self._log.why()}") from None


def main_pid() -> int | None:
    """Return the process that systemd names in MAINPID; None: it names none.

    Raises:
        ToolError: MAINPID is no number.
    """
    named = os.environ.get("MAINPID")
    return None if not named else whole_number(named, "MAINPID")
