"""The one error of the tools."""


class ToolError(RuntimeError):
    """The tool refuses, or failed; the message is for the administrator, and never shows a secret."""
