"""One command at work: its run folder, its voice, its children, and how it ends.

| module | holds |
|---|---|
| `folder`, `context` | the files of a run; what it ran on |
| `task` | a command from its folder to its report |
| `console`, `exits`, `junit` | what people, shells and pipelines are told |
| `secrecy` | that no secret is in any file of a run |
"""
