"""The product's own scripts, run as the server's user, which owns what they write.

One of them takes passwords as arguments: they show among the processes while it runs. `runuser` would leave
them in the journal, and for good.
"""

from pathlib import Path

from hosttools import programs
from hosttools.errors import ToolError
from hosttools.tongweb.settings import TongWebSettings

_LIMIT_S = 300.0


def run(settings: TongWebSettings, script: str, *words: str, stdin: str = "") -> programs.Finished:
    """Run `script` of the product.

    + script: its name in the product's folder `bin`
    + words: its arguments
    + stdin: text that it reads

    Raises:
        ToolError: it cannot be started, or did not end in time.
    """
    return programs.run(
        (str(Path(settings.home) / "bin" / script), *words),
        limit_s=_LIMIT_S,
        stdin=stdin,
        environment={"JAVA_HOME": settings.java_home},
        user=settings.service_user,
        folder=settings.home,
        with_children=True,
    )


def encoded(settings: TongWebSettings, password: str) -> str:
    """Return `password` as only the product's own script can write it; another word each time.

    Raises:
        ToolError: the script failed, or wrote nothing.
    """
    ended = run(settings, "password.sh", stdin=f"{password}\n")
    word = ended.output.strip()
    if not ended.succeeded or not word:
        raise ToolError("password.sh wrote no password")
    return word
