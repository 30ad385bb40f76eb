"""The command line: options and help; the work is in `loanstack.commands`.

| module | commands |
|---|---|
| `main` | the command group, and the exit code of every ending |
| `deploy` | `plan`, `deploy`, `verify` |
| `load`, `capacity_options` | `load`, `seed` |
| `drill` | `drill`, `drills` |
| `prove`, `compare`, `upgrade`, `failover` | the command of that name |
| `folder` | `report`, `judge` |
| `options` | options that several commands have |
"""
