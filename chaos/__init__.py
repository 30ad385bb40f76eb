"""Drills: break a system on purpose, watch what its clients see, have it put right, and judge the record.

Plain commands, from the root of the checkout:

    .venv/bin/python -m chaos list
    .venv/bin/python -m chaos run lab primary-crash --run-folder runs/mine --rate 500
    .venv/bin/python -m chaos stop lab                 # end the one that runs; it heals first
    .venv/bin/python -m chaos heal lab                 # after a control machine died in the middle
    .venv/bin/python -m chaos.recorders.replication lab --out runs/mine/replication.jsonl
    .venv/bin/python -m chaos.recorders.write_probe lab --out runs/mine/probes.jsonl
    .venv/bin/python -m chaos.recorders.export lab --run-folder runs/mine

| package | holds |
|---|---|
| `catalogue` | the drills: hypotheses, faults with their heals, what is expected |
| `engine` | running one, and the verdict over it |
| `recorders` | what is recorded meanwhile: clients, replication, direct writes, the database afterwards |
| `system` | what it needs of the system under test, over SSH |

A drill hits roles and not hosts, so a second one brings the roles back. It breaks something, waits for what
it expects of the failover agents, and undoes what it broke: by then, or at the end, the agents have made one
primary and one following standby again, or else that is residue. The heal is on disk before the fault acts
(in the run folder, and beside the environment's state) and is taken away only when the pair was seen whole;
the next run finishes what a crashed one left. A timer on the target undoes a fault even if nobody is left.

A run folder gets `results.json`, `objectives.json`, `findings.json`, `drill.json`, `run.json`,
`errors_by_second.json`, `timeline.jsonl`, `ledger.jsonl`, `reads.jsonl`, `load.json`, `replication.jsonl`,
`probes.jsonl`, `database/` and the logs below `load/`.
Exit codes: 0 PASS; 1 FAIL; 2 usage; 3 INVALID; 4 residue or a failed heal; 130 interrupted and healed.
"""
