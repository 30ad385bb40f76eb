"""The tool that takes services out of rotation, and its settings for each service of a host."""

from deploys.content import TEMPLATES, ConfigFile, render
from deploys.specs.rotation import SETTINGS, TOOL, Rotation


def files_of(services: tuple[Rotation, ...]) -> tuple[ConfigFile, ...]:
    """Return the tool, and its settings for each of `services`."""
    return (
        ConfigFile(path=TOOL, content=(TEMPLATES / "rotation/loanstack-rotation").read_text(), mode=0o755),
        *(
            ConfigFile(
                path=f"{SETTINGS}/{service.name}.conf",
                content=render("rotation/rotation.conf.j2", service=service),
            )
            for service in services
        ),
    )
