"""Load: the loan journey at a planned rate, the record of every write, and the verdict over it.

Plain Locust, from the root of the checkout:

    ip netns exec ls-client .venv/bin/locust -f loadtests/locustfile.py --headless \\
        --environment lab --scenario journey --rate 1000 --duration 120s --run-folder runs/mine

In front stands what the environment needs to run a client where clients stand (`client_command`).
Every option has a default but the run folder, which is then a new one below `runs/`:

| option | meaning |
|---|---|
| `--environment NAME` | which inventory; `lab` |
| `--scenario NAME` | what the users do: one of `loadtests.plan.scenarios`; `journey` |
| `--rate N` | planned writes a second; 1000 |
| `--shape SHAPE` | how the rate changes over time: `constant`, `ramp:A..B`, `steps:A,B`, `replay:FILE` |
| `--duration 120s` | how long arrivals are planned for; `s`, `m` or `h` |
| `--warm-up 25s` | before that, the rate grows from 0, then stays; recorded, not measured |
| `--run-folder DIR` | where the record goes; made if missing |
| `--spacing even\\|poisson` | evenly spaced arrivals, or random ones (Poisson) |
| `--run-seed N` | the seed of the mix and of the customers chosen; from the clock |
| `--start-at UNIX_S` | when the first arrival is due; 2 s after the users stand |
| `--users N` | concurrent clients; as many as arrive in a second, at most the environment's |
| `--host URL` | one target in place of the environment's gateways |
| `--ca-dir DIR` | where `ca.pem` of the gateways' authority is; the environment's |

It writes `ledger.jsonl` (every write), `reads.jsonl` and `load.json` (what was planned, and what the
generator itself had to spare). Exit code: 0 it ran as planned, whatever was answered; 2 the options are
wrong, no customers are seeded or no gateway answers: nothing was written then. SIGTERM and Ctrl-C end it
early: no arrival starts any more, those under way are recorded with their outcome, files are complete.

Several processes make one load together with `python -m loadtests.workers` (`loadtests.workers` says how),
here or on hosts of role loadgen: Locust's master and workers, with one plan and one merged record.

| package | holds |
|---|---|
| `plan` | the plan of a load: scenarios, the rate over time, arrivals |
| `users`, `transport` | the steps of users; sending a step and reading its answer |
| `engine` | making the load, and its record |
| `workers` | several processes that make one load |
| `results` | figures and verdict of a recorded load |

Judging is separate from generating, is pure, and needs no Locust:

    from loadtests.results import figures, judge
    found = figures.of_folder(folder)            # ledger, reads, replication samples, load.json
    verdict = judge.judge_record(found, environment.load_slo)
"""
