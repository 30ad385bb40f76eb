"""The command line: options and help; the work is in `loanstack.commands`.

| module | commands |
|---|---|
| `main` | the group, and how it ends |
| `deploy` | `plan`, `deploy`, `verify` |
| `load`, `capacity_options` | `load`, `seed` |
| `drill`, `prove`, `compare`, `upgrade`, `failover` | `drill`, `drills`, and those |
| `folder` | `report`, `judge` |
| `options` | options that several commands have |
"""
