"""A portal on a running server, with two scripted services behind it."""

from dataclasses import dataclass
from pathlib import Path

from tests.unit.tongweb.installation import Installation
from tests.unit.tongweb.services import Service

DEADLINE_MS = 6000
"""As long as a starved machine may take, where it is not waited for."""
BODY_BYTES_MAX = 60_000
"""Another than the portal's own limit, and more than lies between it and a service that does not read."""
KEY = {"Idempotency-Key": "0190d2a0-0000-7000-8000-000000000001", "Content-Type": "application/json"}
WRITE = b'{"amount_fen":100}'
PATH = "/v1/limits/7/drawdowns"


@dataclass
class Channel:
    """A portal and the two services behind it."""

    installation: Installation
    services: tuple[Service, Service]
    out: Path
    """Folder of the reasons why the portal takes nothing from gateways."""

    def api(
        self,
        path: str = PATH,
        body: bytes | None = WRITE,
        headers: dict[str, str] = KEY,
        method: str = "POST",
    ) -> tuple[int, bytes, dict[str, str]]:
        status, answer, got = self.installation.ask(method, f"/portal/api{path}", body, headers)
        return status, answer, dict(got)

    def metrics(self) -> dict[str, float]:
        page = self.installation.ask("GET", "/portal/metrics")[1].decode()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in page.splitlines())}

    def up(self) -> list[bool]:
        found = self.metrics()
        return [found[f'portal_service_up{{service="127.0.0.1:{each.port}"}}'] == 1 for each in self.services]

    def seen(self) -> list[int]:
        return [len(each.seen) for each in self.services]

    def wait_until_up(self, *expected: bool) -> None:
        self.installation.wait_for(lambda: self.up() == list(expected))
