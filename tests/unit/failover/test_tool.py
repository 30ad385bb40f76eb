"""loanstack-db as the agent runs it: in the background, with a deadline, and to be ended at once."""

import asyncio
import fcntl
from pathlib import Path

import pytest

from failover.host.tool import Tool, ToolError
from tests import virtual_time


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    program = tmp_path / "loanstack-db"
    program.write_text(
        "#!/bin/bash\n"
        "case $1 in\n"
        "  scn) echo 4711 ;;\n"
        '  fail) echo "half way" ; echo "loanstack-db: it broke" >&2 ; exit 3 ;;\n'
        f"  slow) echo $$ > {tmp_path}/pid ; sleep 600 & wait ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    return Tool(str(program), lock_file=tmp_path / "lock")


async def begun(folder: Path) -> None:
    """Wait until the slow command runs."""
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_its_output_is_returned(tool: Tool) -> None:
    assert asyncio.run(tool.run("scn", deadline_s=300)) == "4711"


def test_a_failure_is_told_in_its_own_words(tool: Tool) -> None:
    with pytest.raises(ToolError, match="loanstack-db fail ended with status 3: loanstack-db: it broke"):
        asyncio.run(tool.run("fail", deadline_s=300))


def test_a_missing_program_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="No such file"):
        asyncio.run(Tool(str(tmp_path / "none")).run("scn", deadline_s=1))


def test_one_that_takes_too_long_is_ended_with_all_it_started(tool: Tool, tmp_path: Path) -> None:
    async def play() -> None:
        running = asyncio.create_task(tool.run("slow", deadline_s=300.5))
        await begun(tmp_path)
        virtual_time.skip(300.5)
        with pytest.raises(ToolError, match=r"slow did not end within 300\.5 s"):
            await running

    asyncio.run(play())
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_it_can_be_ended_in_its_middle(tool: Tool, tmp_path: Path) -> None:
    async def play() -> None:
        running = asyncio.create_task(tool.run("slow", deadline_s=300))
        await begun(tmp_path)
        tool.kill()
        with pytest.raises(ToolError, match="status -9"):
            await running

    asyncio.run(play())
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_who_holds_the_lock_is_somebody_else_unless_it_runs_for_the_agent(tool: Tool, tmp_path: Path) -> None:
    assert not tool.is_used_by_others()
    with (tmp_path / "lock").open("w") as held:
        assert not tool.is_used_by_others()
        fcntl.flock(held, fcntl.LOCK_EX)
        assert tool.is_used_by_others()

        async def play() -> None:
            running = asyncio.create_task(tool.run("slow", deadline_s=300))
            await begun(tmp_path)
            assert not tool.is_used_by_others()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(play())
    assert not tool.is_used_by_others()
