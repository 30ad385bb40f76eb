"""Converges a component's files and folders in one operation.

pyinfra's `files.put` is not used because it writes in place (a host that dies meanwhile keeps half a file),
it shows a secret in a world-readable temporary file and in `--diff`, and each file takes four round trips.
"""

from collections.abc import Generator
from hashlib import sha256

from pyinfra import logger
from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host, state
from pyinfra.operations.util.files import generate_color_diff

from deploys.content import ConfigFile, Folder
from deploys.facts.files import PathState, PathStates, TextFile
from deploys.operations.writing import made, written


@operation()
def converge(
    files: tuple[ConfigFile, ...] = (),
    folders: tuple[Folder, ...] = (),
    absent: tuple[str, ...] = (),
) -> Generator[StringCommand, None, None]:
    """Make the given folders, then the files; each file is written atomically.

    + files: contents, owners and modes; the text is sent on stdin, never in a command line
    + folders: made before the files
    + absent: files that must not exist

    **Example:**

    .. code:: python

        files.converge(
            name="Write the gateway's configuration",
            files=(ConfigFile(path="/etc/nginx/nginx.conf", content=text),),
        )
    """
    paths = (*(f.path for f in folders), *(f.path for f in files), *absent)
    found = host.get_fact(PathStates, paths=paths)
    for folder in folders:
        yield from _folder(folder, found.get(folder.path))
    for file in files:
        yield from _file(file, found.get(file.path))
    for path in absent:
        if path in found:
            yield StringCommand("rm", "-f", QuoteString(path))
        else:
            host.noop(f"{path} is absent")


def _folder(folder: Folder, now: PathState | None) -> Generator[StringCommand, None, None]:
    wanted = (folder.mode, folder.user, folder.group)
    if now is not None and now.kind == "directory" and (now.mode, now.user, now.group) == wanted:
        host.noop(f"{folder.path} is there")
        return
    yield StringCommand(
        made(folder.path, mode=folder.mode, user=folder.user, group=folder.group, by=folder.by)
    )


def _file(file: ConfigFile, now: PathState | None) -> Generator[StringCommand, None, None]:
    digest = sha256(file.content.encode()).hexdigest()
    is_same = now is not None and now.sha256 == digest
    if now is not None and is_same and (now.mode, now.user, now.group) == (file.mode, file.user, file.group):
        host.noop(f"{file.path} is up to date")
        return
    if state.config.DIFF:
        _show_difference(file, exists=now is not None, is_same=is_same)
    yield StringCommand(
        written(file.path, digest=digest, mode=file.mode, user=file.user, group=file.group, by=file.by),
        _stdin=file.content,
    )


def _show_difference(file: ConfigFile, *, exists: bool, is_same: bool) -> None:
    what = "change" if exists else "create"
    host.log(f"Will {what} {file.path} ({file.user}:{file.group} {file.mode:04o})", logger.info)
    if file.secret:
        logger.info("  (a secret: its content is not shown)")
    elif not is_same:
        before = host.get_fact(TextFile, path=file.path) or "" if exists else ""
        lines = generate_color_diff(before.splitlines(keepends=True), file.content.splitlines(keepends=True))
        for line in lines:
            logger.info("  %s", line)
