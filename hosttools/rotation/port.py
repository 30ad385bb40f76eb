"""The port of a service, closed to whoever sends it requests: needed where another program answers for it.

While an application is replaced, its server answers itself, such as with a 404.
"""

from hosttools import programs
from hosttools.errors import ToolError
from hosttools.rotation.settings import RotationSettings

_NFT_S = 30.0


def close(settings: RotationSettings) -> None:
    """Refuse connections of all senders, with a reset.

    Raises:
        ToolError: the firewall took no rules.
    """
    senders = ", ".join(settings.senders)
    _load(
        f"{_emptied(settings)}"
        f"table inet {_table(settings)} {{\n"
        "    chain input {\n"
        "        type filter hook input priority -5; policy accept;\n"
        f"        ip saddr {{ {senders} }} tcp dport {settings.port} reject with tcp reset\n"
        "    }\n"
        "}\n"
    )


def open_again(settings: RotationSettings) -> None:
    """Take the refusal away, if there is one.

    Raises:
        ToolError: the firewall took no rules.
    """
    _load(_emptied(settings))


def _table(settings: RotationSettings) -> str:
    # By the port, because an application and its server have the same one and leave together.
    return f"loanstack_rotation_{settings.port}"


def _emptied(settings: RotationSettings) -> str:
    # Made first, so that deleting what is not there is no error.
    return f"table inet {_table(settings)}\ndelete table inet {_table(settings)}\n"


def _load(rules: str) -> None:
    ended = programs.run(("nft", "-f", "-"), limit_s=_NFT_S, stdin=rules)
    if not ended.succeeded:
        raise ToolError(f"nft took no rules: {ended.words}")
