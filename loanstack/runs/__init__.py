"""What a running command uses: its run folder, console output, child processes and exit code.

| module | holds |
|---|---|
| `folder`, `context` | the files of a run; the machine and versions it ran with |
| `task` | what the code of one verb works with |
| `console`, `junit` | output for people; output for pipelines |
| `secrecy` | removal of secrets from the files of a run |
"""
