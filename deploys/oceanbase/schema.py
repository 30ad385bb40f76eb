"""What the database holds from the start: tables of the loan services, and who may touch them."""

from deploys.operations import database
from deploys.specs.oceanbase import OceanBaseSpec
from inventory import places

SCRIPTS = ("schema.sql", "grants.sql", "oceanbase.sql")
"""Files of app_stub/: the services own their tables and the rights they need; the deploy applies them."""


def scripts() -> tuple[tuple[str, str], ...]:
    """Return (name, SQL) of the scripts, in the order they are applied."""
    return tuple((name, (places.PROJECT_ROOT / "app_stub" / name).read_text()) for name in SCRIPTS)


def converge(spec: OceanBaseSpec) -> None:
    """Converge users, tables and rights, on whichever side is the primary.

    + spec: this database
    """
    database.users_kept(name="Keep the database's users", users=spec.passwords)
    database.scripts_applied(name="Keep schema and rights", scripts=scripts())
