"""Initial content of the database: tables of the loan services, users and rights."""

from deploys.oceanbase import operations
from deploys.oceanbase.spec import OceanBaseSpec
from inventory import places

SCRIPTS = ("schema.sql", "grants.sql", "oceanbase.sql")
"""Files of app_stub/: the services define their tables and rights, and the deploy applies them."""


def scripts() -> tuple[tuple[str, str], ...]:
    """Return (name, SQL) of the scripts, in the order they are applied."""
    return tuple((name, (places.PROJECT_ROOT / "app_stub" / name).read_text()) for name in SCRIPTS)


def converge(spec: OceanBaseSpec) -> None:
    """Converge users, tables and rights, on the side that is the primary.

    + spec: this database
    """
    operations.users_kept(name="Keep the database's users", users=spec.passwords)
    operations.scripts_applied(name="Keep schema and rights", scripts=scripts())
