"""Keeps the users that services run as."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations import server

from deploys.facts.users import User, UserEntry

_NO_LOGIN = "/usr/sbin/nologin"


@operation()
def without_login(user: str, home: str) -> Generator[StringCommand, None, None]:
    """Keep a system user, with a group of the same name, as whom nobody logs in.

    + user: name of the user
    + home: home folder in the user's entry; it is not made, because the service's deploy makes its folders

    **Example:**

    .. code:: python

        users.without_login(name="Know the services' user", user="loan", home="/opt/loanstack/loan")
    """
    if host.get_fact(User, user=user) == UserEntry(home=home, login_shell=_NO_LOGIN, group=user):
        host.noop(f"user {user} is known")
        return
    yield from server.group._inner(group=user, system=True)
    yield from server.user._inner(
        user=user, group=user, system=True, shell=_NO_LOGIN, home=home, ensure_home=False
    )
