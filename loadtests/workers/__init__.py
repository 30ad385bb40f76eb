"""Several processes that make one load, here or on hosts of role loadgen.

    .venv/bin/python -m loadtests.workers --workers 4 --environment lab --rate 2000 --run-folder runs/mine

| module | holds |
|---|---|
| `command`, `load` | the command; one load from start to merged record |
| `placement`, `pool`, `monitor` | where workers run; starting and ending them; whether each goes on |
| `remote`, `supervisor`, `link` | workers on hosts; what keeps them there; messages between |
| `merge`, `fingerprint` | one record of many; whether all have the same code |
| `locust_engine` | Locust's own `--processes`, `--master` and `--worker` |
"""
