"""Replaces programs that QEMU's user mode cannot run by this machine's own build, in an emulated host.

An emulated host uses this machine's kernel, which can run this machine's programs. A script at the program's
path starts it with its own loader and libraries, from a separate folder.
"""

import re
import shutil
from pathlib import Path

from lab.commands import run

FOLDER = Path("usr/lib/loanstack-lab-native")
"""Folder below a host's root."""
_LIBRARY = re.compile(r"(?:=>\s+|^\s*)(/\S+) \(0x")
"""A line of `ldd` that names a file: a library, or the loader."""
_DEADLINE_S = 20


def libraries(said: str) -> list[Path]:
    """Return the files in the output of `ldd`, with the loader."""
    return [Path(found.group(1)) for line in said.splitlines() if (found := _LIBRARY.search(line))]


def put(root: Path, program: str) -> None:
    """Install this machine's build of `program` at the same path below the folder `root`.

    + program: path without its first slash

    Raises:
        LabError: the program is not installed on this machine.
    """
    here = Path("/") / program
    needed = libraries(run(["ldd", str(here)], doing=f"see what {here} needs", deadline_s=_DEADLINE_S))
    [loader] = [path for path in needed if path.name.startswith("ld-linux")]
    folder = FOLDER / here.name
    (root / folder).mkdir(parents=True)
    for path in (here, *needed):
        shutil.copy2(path.resolve(), root / folder / path.name)
    script = root / program
    script.unlink()
    script.write_text(
        "#!/bin/sh\n# Lab stand-in: this machine's own build, which QEMU's user mode cannot run.\n"
        f'exec /{folder}/{loader.name} --library-path /{folder} /{folder}/{here.name} "$@"\n'
    )
    script.chmod(0o755)
