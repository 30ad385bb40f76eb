"""Keeps the users that services run as."""

from typing import Any

from pyinfra.operations import server


def without_login(*, name: str, user: str, home: str) -> Any:  # noqa: ANN401 - what an operation returns
    """Keep a system user, with a group of the same name, as whom nobody logs in.

    + name: name of the operation
    + user: name of the user
    + home: home folder in the user's entry; it is not made, because the service's deploy makes its folders

    **Example:**

    .. code:: python

        users.without_login(name="Know the services' user", user="loan", home="/opt/loanstack/loan")
    """
    return server.user(  # noqa: S604 - a login shell, not a subprocess
        name=name, user=user, system=True, shell="/usr/sbin/nologin", home=home, ensure_home=False
    )
