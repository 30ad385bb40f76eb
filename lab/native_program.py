"""Programs that QEMU's user mode cannot run: in an emulated host this machine's own build takes their place.

Its kernel is this machine's, which starts the program itself; a script at the program's path brings it, the
loader and the libraries from a folder of their own.
"""

import re
import shutil
from pathlib import Path

from lab.commands import run

FOLDER = Path("usr/lib/loanstack-lab-native")
"""Below a host's root."""
_LIBRARY = re.compile(r"(?:=>\s+|^\s*)(/\S+) \(0x")
"""A line of `ldd` that names a file: a library, or the loader."""
_DEADLINE_S = 20


def libraries(said: str) -> list[Path]:
    """Return the files that `ldd` named, the loader among them."""
    return [Path(found.group(1)) for line in said.splitlines() if (found := _LIBRARY.search(line))]


def put(root: Path, program: str) -> None:
    """Put this machine's build of `program` in its place below the folder `root`.

    + program: path without its first slash; the same here and there

    Raises:
        LabError: it is not installed here.
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
