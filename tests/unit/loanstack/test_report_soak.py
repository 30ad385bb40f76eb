"""The charts of a soak: every unit's memory and handles, a line a host, broken where one was restarted."""

import re
from pathlib import Path

from loanstack.companions import leak_check
from loanstack.companions.leak_check import SAMPLES_FILE, ComponentSample
from loanstack.report import drawings, reading, soak
from tests.unit.loanstack import example
from tests.unit.loanstack.example import START_S

INTERVAL_S = 10.0


def held(
    host: str, unit: str, memories_mib: list[float], *, restarted_at: int | None = None
) -> list[ComponentSample]:
    return [
        ComponentSample(
            at_s=START_S + INTERVAL_S * number,
            host=host,
            unit=unit,
            pid=8 if restarted_at is not None and number >= restarted_at else 7,
            memory_mib=memory_mib,
            handles=3 + number,
        )
        for number, memory_mib in enumerate(memories_mib)
    ]


def test_each_unit_has_its_memory_and_its_handles_with_a_line_for_each_host() -> None:
    samples = [
        *held("ob-a", "loanstack-oceanbase", [400.0, 410.0, 412.0]),
        *held("ob-b", "loanstack-oceanbase", [300.0, 300.0, 300.0]),
        *held("gw-a", "nginx", [9.0, 9.5, 9.5]),
    ]
    drawn = dict(soak.charts(samples, start_s=START_S, end_s=20.0))
    assert list(drawn) == [
        "loanstack-oceanbase: memory, on ob-a and ob-b (shaded: not judged)",
        "loanstack-oceanbase: open handles, on ob-a and ob-b (shaded: not judged)",
        "nginx: memory, on gw-a (shaded: not judged)",
        "nginx: open handles, on gw-a (shaded: not judged)",
    ]
    memory = drawn["loanstack-oceanbase: memory, on ob-a and ob-b (shaded: not judged)"]
    assert len(re.findall(r'class="line (good|accent)"', memory)) == 2
    assert "ob-a" in memory
    assert "ob-b" in memory
    assert "not judged" in memory
    assert "MiB" in memory
    assert "handles" in drawn["nginx: open handles, on gw-a (shaded: not judged)"]


def test_a_restart_breaks_the_line() -> None:
    [memory, _] = soak.charts(
        held("gw-a", "nginx", [9.0, 9.1, 2.0, 2.1], restarted_at=2), start_s=START_S, end_s=30.0
    )
    [path] = re.findall(r'class="line good" d="([^"]*)"', memory[1])
    assert re.findall("[ML]", path) == ["M", "L", "M", "L"]
    [steady, _] = soak.charts(held("gw-a", "nginx", [9.0, 9.1, 2.0]), start_s=START_S, end_s=30.0)
    assert re.findall("[ML]", re.findall(r'class="line good" d="([^"]*)"', steady[1])[0]) == ["M", "L", "L"]


def test_a_run_with_samples_shows_them_and_one_without_shows_none(tmp_path: Path) -> None:
    folder = example.prove(tmp_path / "run").path / "4-load"
    plain = {caption for caption, _ in drawings.of_run(reading.read(folder))}
    samples = held("gw-a", "nginx", [9.0, 9.5])
    outside = ComponentSample(
        at_s=START_S - 60.0, host="gw-b", unit="nginx", pid=7, memory_mib=8.0, handles=3
    )
    (folder / SAMPLES_FILE).write_bytes(b"".join(leak_check.encode(each) for each in (outside, *samples)))
    more = {caption for caption, _ in drawings.of_run(reading.read(folder))}
    assert more - plain == {
        "nginx: memory, on gw-a (shaded: not judged)",
        "nginx: open handles, on gw-a (shaded: not judged)",
    }
