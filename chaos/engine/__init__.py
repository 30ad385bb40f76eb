"""Running one drill: hypothesis, fault, observation, heal, record, verdict.

| module | holds |
|---|---|
| `runner`, `run` | the order of things; what is known of a drill, step by step |
| `steady`, `watch`, `recovery` | waiting for the hypothesis, for clients, for one primary again |
| `pair` | which host is primary and which is standby |
| `heal`, `interrupts`, `only_one` | heals that are never lost, signals, the lock |
| `timeline`, `results` | what happened when; the verdict over it |
"""
