"""Settings of `loanstack-etcd`; no secret is among them."""

import msgspec

from hosttools import settings

NAME = "loanstack-etcd"


class EtcdSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One member."""

    client_port: int
    peer_port: int
    others: tuple[str, ...]
    """Segment addresses of the other members."""
    authority: str
    """Path of the PEM certificate of the authority that signed all members' certificates."""
    certificate: str
    private_key: str
    root_password_file: str
    """Only the first member has it; it keeps users and rights for all."""
    agent_password_file: str
    agent_user: str
    agent_prefix: str
    """Prefix, with / at its end, of the keys that failover agents may read and write."""

    @property
    def here(self) -> str:
        """Return the address of this member for clients."""
        return f"https://127.0.0.1:{self.client_port}"


def load() -> EtcdSettings:
    """Return the settings of this host.

    Raises:
        ToolError: there are none, or a value in them is wrong.
    """
    return settings.load(EtcdSettings, "etcd.json", variable="LOANSTACK_ETCD_SETTINGS")
