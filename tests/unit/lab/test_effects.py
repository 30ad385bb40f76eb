"""The lab's small effects: running programs, serving files, hearing a request to stop."""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab import build, image, rpm_repo
from lab.architecture import ALL, X86_64, Architecture
from lab.commands import end_children, isolated, run
from lab.depot_server import handler_for
from lab.errors import LabError
from lab.interrupts import deaf, stoppable


def test_a_program_gets_its_input_and_gives_its_output() -> None:
    assert run(["cat"], doing="repeat", deadline_s=250, stdin="text") == "text"


def test_a_failing_program_is_reported_with_purpose_status_and_last_words() -> None:
    with pytest.raises(LabError, match=r"try it: sh -c .* ended with status 3:\n  it broke"):
        run(["sh", "-c", "echo it broke >&2; exit 3"], doing="try it", deadline_s=250)


def test_a_missing_program_is_reported_with_the_remedy() -> None:
    with pytest.raises(
        LabError, match=r"try it: no-such-program is not installed; install .*debian-packages"
    ):
        run(["no-such-program"], doing="try it", deadline_s=250)


def test_a_program_that_takes_too_long_is_ended_and_reported() -> None:
    with pytest.raises(LabError, match=r"try it: sleep 600 did not end within 0\.1 s"):
        run(["sleep", "600"], doing="try it", deadline_s=0.1)


def test_ending_children_lets_their_threads_return() -> None:
    failures: list[str] = []

    def work() -> None:
        try:
            run(["sleep", "600"], doing="sleep", deadline_s=600)
        except LabError as error:
            failures.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 120
    while thread.is_alive():
        assert time.monotonic() < deadline, "the thread did not return"
        end_children()
        thread.join(0.05)
    assert "sleep 600 ended with status -9" in failures[0]


def test_when_one_build_fails_the_others_program_is_ended_at_once() -> None:
    def fails() -> None:
        run(["false"], doing="build one", deadline_s=250)

    def lasts() -> None:
        run(["sleep", "600"], doing="build the other", deadline_s=600)

    with ThreadPoolExecutor(max_workers=2) as pool:
        first, second = pool.submit(fails), pool.submit(lasts)
        with pytest.raises(LabError, match="build one: false ended with status 1"):
            build.finish_together(first, second)
    assert "build the other: sleep 600 ended with status -9" in str(second.exception())


def test_a_request_to_stop_ends_the_builds_before_it_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, wait = threading.Event(), build.wait

    def ask_to_stop() -> None:
        heard.set()
        signal.raise_signal(signal.SIGTERM)

    def waiting(jobs: Any, **how: Any) -> Any:
        if not heard.is_set():
            threading.Thread(target=ask_to_stop).start()
            heard.wait()
        return wait(jobs, **how)

    monkeypatch.setattr(build, "wait", waiting)
    with ThreadPoolExecutor(max_workers=1) as pool:
        job = pool.submit(run, ["sleep", "600"], doing="build", deadline_s=600)
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"), stoppable():
            build.finish_together(job)
    assert "sleep 600 ended with status -9" in str(job.exception())


def test_isolated_programs_die_with_their_starter_and_have_mounts_of_their_own() -> None:
    command = isolated(["mmdebstrap"])
    assert command[:3] == ["setpriv", "--pdeathsig", "KILL"]
    assert {"--mount", "--pid", "--kill-child=KILL"} <= set(command)
    assert command[-1] == "mmdebstrap"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A depot at a loopback port; the value is its address."""
    (tmp_path / "depot" / "artifacts").mkdir(parents=True)
    (tmp_path / "depot" / "artifacts" / "a+b.tar.gz").write_text("content")
    (tmp_path / "secret").write_text("secret")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_for(tmp_path / "depot")) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 - the address is the fixture's own
        return bytes(answer.read())


def test_the_depot_hands_out_files_and_nothing_else(served: str) -> None:
    assert fetched(f"{served}/artifacts/a+b.tar.gz") == b"content"
    for path in ("/", "/artifacts/", "/artifacts", "/../secret", "/%2e%2e/secret", "/nothing"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetched(served + path)


def test_waiting_for_the_depot_ends_with_the_address_when_nobody_serves() -> None:
    with pytest.raises(LabError, match=r"does not hand out http://127\.0\.0\.1:9/x within 0\.2 s"):
        build.wait_until_served("http://127.0.0.1:9/x", deadline_s=0.2)


def test_a_polite_request_to_stop_is_heard_as_an_interrupt() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"), stoppable():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_while_undoing_no_request_to_stop_is_heard() -> None:
    before = signal.getsignal(signal.SIGINT)
    with deaf():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        heard_nothing = True
    assert heard_nothing
    assert signal.getsignal(signal.SIGINT) is before


def test_artifacts_are_published_beside_the_repository_and_old_ones_go(tmp_path: Path) -> None:
    cache, depot = tmp_path / "cache", tmp_path / "depot"

    def userland(kind: Architecture) -> build.Userland:
        folder = cache / "repositories" / kind.arch
        (folder / "repo" / kind.arch).mkdir(parents=True, exist_ok=True)
        (folder / "repo" / kind.arch / "a.rpm").write_text(f"rpm for {kind.arch}")
        (folder / rpm_repo.KEY_FILE).write_text("key")
        built = image.Image(key="k", architecture=kind, root=cache / "root", dpkg_status=cache / "status")
        return build.Userland(image=built, repository=rpm_repo.Repository(folder=folder, arch=kind.arch))

    def supplies(*names: str, kinds: tuple[Architecture, ...] = (X86_64,)) -> build.Supplies:
        for name in names:
            (cache / name).parent.mkdir(exist_ok=True)
            (cache / name).write_text(name)
        return build.Supplies(
            userlands={kind.arch: userland(kind) for kind in kinds},
            artifacts=tuple(cache / name for name in names),
        )

    build.publish(supplies("seekdb-1.tar.gz", "loan-1.tar.gz"), depot)
    build.publish(supplies("seekdb-1.tar.gz", "loan-2.tar.gz", kinds=ALL), depot)
    for kind in ALL:
        assert (depot / "repo" / kind.arch / "a.rpm").read_text() == f"rpm for {kind.arch}"
    assert sorted(p.name for p in (depot / "artifacts").iterdir()) == [
        "SHA256SUMS",
        "loan-2.tar.gz",
        "seekdb-1.tar.gz",
    ]
    sums = (depot / "artifacts" / "SHA256SUMS").read_text()
    assert [line.split()[1] for line in sums.splitlines()] == ["loan-2.tar.gz", "seekdb-1.tar.gz"]


def test_older_builds_and_interrupted_ones_are_forgotten(tmp_path: Path) -> None:
    for name in ("images/new", "images/old", "images/building-new", "repositories/r1", "building-bundle-1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "artifacts").mkdir()
    for name in (".loan-1.tar.gz", "loan-2.tar.gz"):
        (tmp_path / "artifacts" / name).touch()
    build.forget_others(tmp_path, {"new", "r1"})
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.parent != tmp_path)
    assert left == ["artifacts/loan-2.tar.gz", "images/new", "repositories/r1"]
    assert not (tmp_path / "building-bundle-1").exists()


def test_the_preflight_needs_nothing_but_the_standard_library() -> None:
    program = "import sys, lab.preflight; print('\\n'.join(sys.modules))"
    # -S: without site-packages, as on a machine where nothing is installed yet.
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False, cwd=_root()
    )
    assert done.returncode == 0, done.stderr
    assert "lab.preflight" in done.stdout.splitlines()


def _root() -> Path:
    return Path(build.__file__).parent.parent
