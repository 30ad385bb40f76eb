"""etcd's users and rights: what they lack, and making them whole, by etcd's own `etcdctl`.

Passwords reach etcdctl in its environment, which only root may look at, or on stdin: never as arguments.
"""

from pathlib import Path

from hosttools import programs
from hosttools.errors import ToolError
from hosttools.etcd.settings import EtcdSettings

_TRY_S = 5
_END_S = 30.0
"""etcdctl ends by itself after `_TRY_S`; this limit is for one that does not."""
_REFUSED_WITHOUT_USER = "user name is empty"
"""With authentication on, etcd refuses a request without a user by just these words."""


class Access:
    """Users and rights, which one member keeps for all."""

    def __init__(self, settings: EtcdSettings) -> None:
        """Keep the settings of this member.

        Raises:
            ToolError: this member has no passwords.
        """
        if not keeps_access(settings):
            raise ToolError("only the first member of the inventory has the passwords")
        self._settings = settings
        self._agent = settings.agent_user

    def lacks(self) -> tuple[str, ...]:
        """Return what is missing of users and rights.

        Raises:
            ToolError: etcd does not say whether authentication is on.
        """
        if not self._is_closed():
            return ("authentication",)  # without it, nobody can tell by trying what is there
        if not self._root_gets_in():
            return ("root",)
        found = []
        if not self._role_is_right():
            found.append(f"rights of {self._agent}")
        if not self._has_only(self._agent, self._agent) or not self._agent_gets_in():
            found.append(f"user {self._agent}")
        return tuple(found)

    def grant(self) -> None:
        """Make users and rights whole, whatever was done of it before.

        Raises:
            ToolError: root has another password in etcd, or etcd refused a change.
        """
        root_file, agent_file = self._settings.root_password_file, self._settings.agent_password_file
        if self._is_closed():
            if not self._root_gets_in():
                raise ToolError(
                    f"root's password in etcd is not the one in {root_file}: bring the old secrets file "
                    "back, or set this one with the old: etcdctl user passwd root"
                )
            self._keep_role()
            if self.lacks():
                self._keep_user(self._agent, agent_file, role=self._agent)
        else:
            # Whatever an interrupted run has done of this is done again: while authentication is off, a
            # password cannot be tried. Authentication is switched on last.
            self._keep_user("root", root_file, role="root")
            self._keep_role()
            self._keep_user(self._agent, agent_file, role=self._agent)
            self._change("auth", "enable")
        if left := self.lacks():
            raise ToolError(f"etcd still lacks: {','.join(left)}")

    def environment(self) -> dict[str, str]:
        """Return the variables that make etcdctl come as root."""
        return _user("root", self._settings.root_password_file)

    def _ask(self, *words: str, user: dict[str, str], stdin: str = "") -> programs.Finished:
        command = (*etcdctl(self._settings), *words)
        return programs.run(command, limit_s=_END_S, stdin=stdin, environment=user)

    def _as_root(self, *words: str, stdin: str = "") -> programs.Finished:
        return self._ask(*words, user=self.environment(), stdin=stdin)

    def _change(self, *words: str, stdin: str = "") -> None:
        ended = self._as_root(*words, stdin=stdin)
        if not ended.succeeded:
            # etcdctl never repeats a password.
            raise ToolError(f"etcdctl {' '.join(words)}: {ended.words}")

    def _is_closed(self) -> bool:
        ended = self._ask("user", "list", user={})
        if ended.succeeded:
            return False
        if _REFUSED_WITHOUT_USER not in ended.words:
            raise ToolError(f"etcd does not say whether it is open: {ended.words}")
        return True

    def _root_gets_in(self) -> bool:
        return self._as_root("user", "list").succeeded

    def _agent_gets_in(self) -> bool:
        agent = _user(self._agent, self._settings.agent_password_file)
        words = ("get", "--limit=1", "--keys-only", "--prefix", self._settings.agent_prefix)
        return self._ask(*words, user=agent).succeeded

    def _role_is_right(self) -> bool:
        prefix = self._settings.agent_prefix
        # 0 follows / among the characters, so this is the range of all keys with the prefix.
        rights = f"[{prefix}, {prefix.removesuffix('/')}0) (prefix {prefix})"
        wanted = f"Role {self._agent}\nKV Read:\n\t{rights}\nKV Write:\n\t{rights}"
        found = self._as_root("role", "get", self._agent)
        return found.succeeded and found.output.rstrip("\n") == wanted

    def _roles_of(self, user: str) -> list[str]:
        found = self._as_root("user", "get", user)
        lines = found.output.splitlines() if found.succeeded else []
        return [role for line in lines if line.startswith("Roles:") for role in line.split()[1:]]

    def _has_only(self, user: str, role: str) -> bool:
        return self._roles_of(user) == [role]

    def _keep_user(self, user: str, password_file: str, *, role: str) -> None:
        there = self._as_root("user", "get", user).succeeded
        password = Path(password_file).read_text()
        self._change("user", "passwd" if there else "add", user, "--interactive=false", stdin=password)
        for other in self._roles_of(user):
            if other != role:
                self._change("user", "revoke-role", user, other)
        if not self._has_only(user, role):
            self._change("user", "grant-role", user, role)

    def _keep_role(self) -> None:
        if self._role_is_right():
            return
        # Deleting a role takes it from the user too, who gets it back with the next step.
        if self._as_root("role", "get", self._agent).succeeded:
            self._change("role", "delete", self._agent)
        self._change("role", "add", self._agent)
        prefix = self._settings.agent_prefix
        self._change("role", "grant-permission", self._agent, "--prefix", "readwrite", prefix)


def keeps_access(settings: EtcdSettings) -> bool:
    """Return whether this member, the first one, has the passwords."""
    return all(Path(file).exists() for file in (settings.root_password_file, settings.agent_password_file))


def etcdctl(settings: EtcdSettings) -> tuple[str, ...]:
    """Return etcdctl with what every command needs."""
    return (
        "etcdctl",
        f"--endpoints={settings.here}",
        f"--cacert={settings.authority}",
        f"--command-timeout={_TRY_S}s",
    )


def _user(name: str, password_file: str) -> dict[str, str]:
    password = Path(password_file).read_text().removesuffix("\n")
    return {"ETCDCTL_USER": name, "ETCDCTL_PASSWORD": password}
