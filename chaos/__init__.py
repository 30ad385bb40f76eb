"""Drills: break a system on purpose, watch what its clients see, put it right, and judge the record.

Plain commands, from the root of the checkout:

    .venv/bin/python -m chaos list
    .venv/bin/python -m chaos run lab primary-crash --run-folder runs/mine --rate 500
    .venv/bin/python -m chaos heal lab                 # after a control machine died in the middle
    .venv/bin/python -m chaos.replication lab --out runs/mine/replication.jsonl
    .venv/bin/python -m chaos.export lab --run-folder runs/mine

| module | holds |
|---|---|
| `model`, `drills` | a drill as a value, and the catalogue |
| `runner`, `operator`, `heal` | running one: hypothesis, fault, failover by hand, heal, residue |
| `world`; `live`, `ssh_databases`, `power`, `load` | what a drill needs of the world, and the real one |
| `replication`, `export`, `timeline` | what is recorded |
| `history`, `checkers`, `loss`, `rto`, `findings`, `results` | judging the saved record; pure |

A drill always hits whoever is the primary, so a second one brings the roles back. The heal is on disk
before the fault acts (in the run folder, and beside the environment's state) and is taken away only when
one primary and one following standby were seen; the next run finishes what a crashed one left.

A run folder gets `results.json`, `findings.json`, `drill.json`, `errors_by_second.json`, `timeline.jsonl`,
`ledger.jsonl`, `reads.jsonl`, `load.json`, `replication.jsonl`, `database/` and the logs below `load/`.
Exit codes: 0 PASS; 1 FAIL; 2 usage; 3 INVALID; 4 residue or a failed heal; 130 interrupted and healed.
"""
