"""Drills: break a system on purpose, watch it through its clients, heal it, and judge the record.

Plain commands, from the root of the checkout:

    .venv/bin/python -m chaos list
    .venv/bin/python -m chaos run lab primary-crash --run-folder runs/mine --rate 500
    .venv/bin/python -m chaos stop lab                 # end the running drill; it heals first
    .venv/bin/python -m chaos heal lab                 # after the control machine died during a drill
    .venv/bin/python -m chaos.recorders.replication lab --out runs/mine/replication.jsonl
    .venv/bin/python -m chaos.recorders.write_probe lab --out runs/mine/probes.jsonl
    .venv/bin/python -m chaos.recorders.export lab --run-folder runs/mine

| package | holds |
|---|---|
| `catalogue` | the drills: hypotheses, faults with their heals, expectations |
| `engine` | running a drill, and the verdict over it |
| `recorders` | records of clients, replication and direct writes, and of the databases afterwards |
| `system` | access to the system under test, over SSH |

A drill hits roles and not hosts, so a second run of it brings the roles back. It breaks something, waits
until the failover agents have done what it expects of them, and undoes the fault. At the end the agents must
have made one primary and one following standby again; otherwise the drill reports residue. The heal is
written to disk before the fault acts (in the run folder, and beside the environment's state). It is deleted
only when the pair was seen whole, so that the next run can finish the heal of a crashed one. A timer on the
target undoes the fault even if the control machine dies.

A run folder gets `results.json`, `objectives.json`, `findings.json`, `drill.json`, `run.json`,
`errors_by_second.json`, `timeline.jsonl`, `ledger.jsonl`, `reads.jsonl`, `load.json`, `replication.jsonl`,
`probes.jsonl`, `database/` and the logs below `load/`.
Exit codes: 0 PASS; 1 FAIL; 2 usage; 3 INVALID; 4 residue or a failed heal; 130 interrupted and healed.
"""
