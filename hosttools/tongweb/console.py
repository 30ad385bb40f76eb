"""The console's users: ours in place of the passwords that are in the product's manual."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hosttools import files, web
from hosttools.errors import ToolError
from hosttools.tongweb import vendor
from hosttools.tongweb.settings import TongWebSettings

_COMMAND_LINE_USER = "cli"
"""The user of the product's command line."""
_ANSWER_S = 5.0
_RIGHT = (200, 403)
"""Answers to the right password; 403: it is right, and to be changed first."""
_FIELDS = 3


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of the console."""

    name: str
    initial_password: str = field(repr=False)
    password: str = field(repr=False)


class Console:
    """The console of this host's server."""

    def __init__(self, settings: TongWebSettings) -> None:
        self._settings = settings
        self._accounts = _accounts(Path(settings.accounts))

    def insecure(self) -> list[str]:
        """Return the names of the users that do not have our password."""
        return [each.name for each in self._accounts if not self._is_in_force(each.name, each.password)]

    def secure(self) -> None:
        """Give our password to each user that lacks it.

        Raises:
            ToolError: the product refused one.
        """
        lacking = self.insecure()
        for account in self._accounts:
            if account.name not in lacking:
                continue
            if account.name == _COMMAND_LINE_USER:
                twice = f"{account.password}\n{account.password}\n"
                self._command("change-admin-password", stdin=twice)
            else:
                self._command(
                    "config-password",
                    f"--adminuser={account.name}",
                    f"--adminoldpassword={account.initial_password}",
                    f"--adminnewpassword={account.password}",
                )

    def deploy_portal(self, war: str) -> None:
        """Have the running server deploy the portal.

        + war: path of the portal's WAR

        Raises:
            ToolError: the product refused it.
        """
        words = ("--contextroot=/portal", "--defaultvs=server", f"--applocation={war}", "portal")
        self._command("deploy", *words)

    def _is_in_force(self, name: str, password: str) -> bool:
        url = f"{self._settings.console_url}/rest/api/listener_detail?operatorName=stat:tong-http-listener"
        word = b64encode(f"{name}:{password}".encode()).decode()
        answer = web.ask(url, limit_s=_ANSWER_S, headers={"Authorization": f"Basic {word}"})
        return answer is not None and answer.status in _RIGHT

    def _command(self, command: str, *words: str, stdin: str = "") -> None:
        settings = self._settings
        with self._password_file() as path:
            ended = vendor.run(
                settings,
                "commandstool.sh",
                command,
                f"--user={_COMMAND_LINE_USER}",
                f"--passwordfile={path}",
                f"--host={settings.console_host}",
                f"--port={settings.console_port}",
                *words,
                stdin=stdin,
            )
        if not ended.succeeded:
            raise ToolError(f"commandstool.sh {command} failed: {self._without_passwords(ended.words)}")

    def _without_passwords(self, words: str) -> str:
        """Return the product's words without the passwords that it was given: it may repeat them."""
        for account in self._accounts:
            for password in (account.password, account.initial_password):
                words = words.replace(password, "***")
        return words

    @contextmanager
    def _password_file(self) -> Iterator[Path]:
        """Give the file with the command line user's password, as the product's tools want it."""
        account = next((each for each in self._accounts if each.name == _COMMAND_LINE_USER), None)
        if account is None:
            raise ToolError(f"{self._settings.accounts} has no user {_COMMAND_LINE_USER}")
        # Which of the two is in force can only be tried.
        is_ours = self._is_in_force(account.name, account.password)
        password = account.password if is_ours else account.initial_password
        path = Path(self._settings.run_dir) / "cli-password"
        text = f"AS_ADMIN_password={vendor.encoded(self._settings, password)}\n"
        files.write(path, text, mode=0o600, owner=self._settings.service_user)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _accounts(path: Path) -> tuple[Account, ...]:
    found = []
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) != _FIELDS:
            raise ToolError(f"{path}: allowed: a name, an initial password and a password in each line")
        found.append(Account(name=words[0], initial_password=words[1], password=words[2]))
    return tuple(found)
