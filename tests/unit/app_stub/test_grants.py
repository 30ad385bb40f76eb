"""Who may touch what: the services read the epoch and never write it."""

import re
from importlib.resources import files

import app_stub

GRANT = re.compile(r"^GRANT (?P<rights>[A-Z, ]+) ON (?P<what>\S+) TO (?P<user>\w+);$", re.MULTILINE)


def _script(name: str) -> str:
    return (files(app_stub) / name).read_text()


def test_services_have_no_right_to_the_epoch_but_reading_it() -> None:
    grants = [match.groupdict() for match in GRANT.finditer(_script("grants.sql"))]
    assert len(grants) == _script("grants.sql").count("\nGRANT ")
    rights = {grant["what"]: grant["rights"] for grant in grants if grant["user"] == "loan_app"}
    assert rights["loan.leadership"] == "SELECT"
    assert rights["loan.journal"] == "SELECT, INSERT"
    assert "loan.*" not in rights, "a right on all tables is one on the epoch"


def test_every_table_of_the_services_is_granted_by_name() -> None:
    tables = set(re.findall(r"CREATE TABLE IF NOT EXISTS (\S+)", _script("schema.sql")))
    granted = {
        match["what"] for match in GRANT.finditer(_script("grants.sql")) if match["user"] == "loan_app"
    }
    # What invented customers were made from is the seeder's business, who owns the tables.
    assert tables - {"loan.seeding"} <= granted
    assert "loan.seeding" not in granted
