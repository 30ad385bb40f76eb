"""Initial content of the database: tables of the loan services, and rights. Pure."""

from inventory import places

SCRIPTS = ("schema.sql", "grants.sql", "oceanbase.sql")
"""Files of app_stub/: the services define their tables and rights, and the deploy applies them."""


def scripts() -> tuple[tuple[str, str], ...]:
    """Return (name, SQL) of the scripts, in the order they are applied."""
    return tuple((name, (places.PROJECT_ROOT / "app_stub" / name).read_text()) for name in SCRIPTS)
