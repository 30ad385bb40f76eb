"""Several processes that make one load, here or on hosts of role loadgen.

    .venv/bin/python -m loadtests.workers --workers 4 --environment lab --rate 2000 --run-folder runs/mine

| module | holds |
|---|---|
| `command`, `conductor` | the command; one load from start to merged record |
| `placement`, `pool`, `monitor` | where workers run; starting and ending them; whether each goes on |
| `master`, `worker`, `messages` | Locust's master and workers, and what they say to each other |
| `clock_questions` | how far each worker's clock is from ours |
| `remote`, `on_host` | workers on hosts: what is done from here; what is answered there |
| `merge`, `fingerprint` | one record of many; whether all have the same code |
"""
