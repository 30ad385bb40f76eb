"""One query to the database of this host; the answer is a line of JSON, which the deploy's facts read."""

import json

from hosttools import sql
from hosttools.oceanbase.database import local
from hosttools.oceanbase.roles import Role
from hosttools.oceanbase.settings import Settings

_NO_DATABASE, _NO_TABLE = 1049, 1146


def answer(settings: Settings, query: str, *, of_primary: bool) -> str:
    """Return role, rows (of texts), and refusal: why the database refused the query, empty if it answered.

    A database or table that does not exist has no rows. Without an answering database the line is `null`.

    + query: one SELECT or SHOW
    + of_primary: ask a primary only; a standby says its role and no rows
    """
    database = local(settings)
    role = database.role()
    if role is Role.DOWN:
        return json.dumps(None)
    rows: tuple[tuple[object, ...], ...] = ()
    refusal = ""
    if role is Role.PRIMARY or not of_primary:
        try:
            rows = sql.rows(database.endpoint, query)
        except sql.SqlError as failure:
            if failure.code not in (_NO_DATABASE, _NO_TABLE):
                refusal = str(failure)
    texts = [["NULL" if value is None else str(value) for value in row] for row in rows]
    return json.dumps({"role": role, "rows": texts, "refusal": refusal})
