"""Running one drill: hypothesis, fault, observation, heal, record, verdict.

| module | holds |
|---|---|
| `runner`, `run` | the order of a drill's steps; the record of what they did |
| `steady`, `watch`, `recovery` | waiting for the hypothesis, for the clients' rate, for a primary |
| `live` | the real hosts, switches and clients of one environment |
| `stop_conditions` | conditions that end a drill early |
| `heal`, `interrupts`, `only_one` | heals that survive a crash, signals, the lock |
| `timeline`, `judgement`, `results` | the events of a drill; the verdict over it; their files |
"""
