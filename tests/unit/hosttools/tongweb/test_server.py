"""loanstack-tongweb against a server that a test scripts: started, warm, served, and its log."""

import os
from pathlib import Path

import pytest

from hosttools import waiting
from hosttools.errors import ToolError
from hosttools.tongweb import log, warm_up
from hosttools.tongweb import server as server_module
from tests.unit.hosttools.tongweb.host import STARTED, Clock, Host, Product

HOSTILE = ("a[$(touch injected)0]", "$(touch injected)", "1\n2", "9" * 30, "-1", "")


def test_a_start_shuts_gateways_out_until_it_is_up_and_warm(host: Host) -> None:
    host.writes(f"of an earlier start: {STARTED}")
    host.server.begin()
    assert host.rotation.told == ["close-port starting"]
    with pytest.raises(ToolError, match="waited 90 s for the server to be ready"):
        host.server.ready(None)
    host.writes(STARTED)
    host.server.ready(os.getpid())
    assert host.rotation.told == ["close-port starting", "in starting"]
    assert host.product.asked["GET /portal/api/readyz none"] == 50
    assert host.product.asked["POST /portal/api/readyz none"] == 50


def test_a_server_that_ended_is_said_with_its_own_reason(host: Host) -> None:
    host.server.begin()
    host.writes("[SEVERE] something\nLicense expired\nmore\n")
    with pytest.raises(ToolError, match="it ended: License expired"):
        host.server.ready(2**22 + 1)
    (host.folder / "journal").write_text("Address already in use (Bind failed)\n")
    assert host.log.why() == "License expired\nAddress already in use (Bind failed)"


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_journal_that_does_not_answer_hides_no_reason(
    host: Host, monkeypatch: pytest.MonkeyPatch, is_installed: bool
) -> None:
    journalctl = host.folder / "tools/journalctl"
    journalctl.write_text("#!/bin/sh\nexec sleep 60\n")
    if not is_installed:
        journalctl.unlink()
        monkeypatch.setenv("PATH", str(host.folder / "tools"))
    monkeypatch.setattr(log, "_JOURNAL_S", 0.0)
    host.server.begin()
    host.writes("License expired\n")
    assert host.log.why() == "License expired"


def test_without_a_word_of_the_vendor_the_severe_lines_are_shown(host: Host) -> None:
    host.server.begin()
    host.writes("".join(f"[SEVERE] {number}\n" for number in range(5)))
    assert host.log.why() == "[SEVERE] 2\n[SEVERE] 3\n[SEVERE] 4"


def test_up_without_the_portal_it_stays_out_of_rotation(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.product.version = None
    host.server.begin()
    host.writes(STARTED)
    host.server.ready(None)
    assert host.rotation.told == ["close-port starting"]
    assert "up without the portal, and so out of rotation" in capsys.readouterr().err


def test_without_a_loan_service_it_is_let_in_cold(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.product.has_service = False
    host.server.serve("1.0")
    assert host.rotation.told == ["in starting"]
    assert "no loan service is there: not warmed up" in capsys.readouterr().err
    assert host.product.asked["GET /portal/api/readyz none"] == 0


def test_the_portal_is_served_once_that_version_answers(host: Host) -> None:
    host.server.serve("current")
    assert host.rotation.told == ["in starting"]
    with pytest.raises(
        ToolError, match=r"waited 30 s for portal 1\.1 to answer; portal that answers: '1\.0'"
    ):
        host.server.serve("1.1")


@pytest.mark.parametrize("note", HOSTILE)
def test_a_note_of_the_log_that_is_no_number_is_refused(host: Host, note: str) -> None:
    host.server.begin()
    (host.folder / "state/log-began").write_text(note)
    with pytest.raises(ToolError, match="allowed: a whole number"):
        host.log.this_start()


def test_the_note_of_the_log_is_where_the_service_cannot_write(host: Host) -> None:
    host.server.begin()
    folder = (host.folder / "state").stat()
    assert (folder.st_uid, folder.st_mode & 0o777) == (os.getuid(), 0o700)
    assert not list((host.folder / "run").iterdir())


def test_the_log_is_a_file_of_bounded_length_and_never_a_link(host: Host, tmp_path: Path) -> None:
    host.server.begin()
    host.writes("x" * (3 << 20) + STARTED)
    assert len(host.log.this_start()) == 1 << 20
    assert STARTED in host.log.this_start()
    host.server.begin()
    host.settings.log.write_text(STARTED)
    assert host.log.this_start() == STARTED, "one that was replaced is read from its beginning"
    (tmp_path / "shadow").write_text(f"secret {STARTED}")
    host.settings.log.unlink()
    host.settings.log.symlink_to(tmp_path / "shadow")
    with pytest.raises(ToolError, match="allowed: a regular file"):
        host.log.this_start()
    host.settings.log.unlink()
    host.settings.log.parent.rmdir()
    host.settings.log.parent.symlink_to(tmp_path)
    with pytest.raises(ToolError, match="allowed: a folder"):
        host.log.this_start()


def test_the_main_process_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAINPID", raising=False)
    assert server_module.main_pid() is None
    monkeypatch.setenv("MAINPID", "4321")
    assert server_module.main_pid() == 4321
    monkeypatch.setenv("MAINPID", "a[$(touch injected)0]")
    with pytest.raises(ToolError, match="MAINPID is "):
        server_module.main_pid()


@pytest.mark.parametrize("chunked", [False, True])
def test_all_requests_of_a_warm_up_are_answered(product: tuple[Product, int], chunked: bool) -> None:
    state, port = product
    state.chunked = chunked
    assert warm_up.warm_up(f"http://127.0.0.1:{port}/portal/api/readyz", 200, 60.0) == 200
    assert sum(percentage for _, percentage in warm_up.STEPS) == 100


def test_a_warm_up_of_nobody_ends(host: Host) -> None:
    assert warm_up.warm_up("http://127.0.0.1:1/portal/api/readyz", 100, 60.0) == 0


class Dripping:
    """A connection to a server that sends a byte a second, for ever."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.waited_s: list[float] = []

    def sendall(self, request: bytes) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        self.waited_s.append(seconds)

    def recv(self, _: int) -> bytes:
        self._clock.pause(1.0)
        assert self._clock.now_s() < 60.0, "it would be waited for without end"
        return b"x"


def test_a_server_that_drips_does_not_hold_the_warm_up_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(waiting, "now_s", clock.now_s)
    sender = warm_up._Sender("http://127.0.0.1:1/x", b"", warm_up._Turns(1), 7.0)
    link = Dripping(clock)
    with pytest.raises(TimeoutError):
        sender._ask(link)  # type: ignore[arg-type] # it does the same
    assert clock.now_s() == 7.0
    assert link.waited_s == [5.0, 5.0, 5.0, 4.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"x" * (2 << 20)]
)
def test_an_answer_without_an_end_is_none(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"too long|neither"):
        warm_up._is_whole(answer)
