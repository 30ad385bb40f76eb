"""The database products that the loan services can use."""

from enum import StrEnum


class DatabaseKind(StrEnum):
    """Database product that the loan services use."""

    OCEANBASE = "oceanbase"
    MARIADB = "mariadb"
