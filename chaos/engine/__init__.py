"""Running one drill: hypothesis, fault, observation, heal, record, verdict.

| module | holds |
|---|---|
| `runner`, `run` | the order of things; what is known of a drill, step by step |
| `steady`, `watch`, `recovery` | waiting for the hypothesis, for clients, for one primary again |
| `live` | everything of one environment that a drill touches |
| `stop_conditions` | what breaks a drill off before its time |
| `heal`, `interrupts`, `only_one` | heals that are never lost, signals, the lock |
| `timeline`, `judgement`, `results` | what happened when; the verdict over it; the files of both |
"""
