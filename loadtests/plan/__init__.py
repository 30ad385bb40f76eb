"""The plan of a load: scenarios, the rate over time, arrivals, and the share of each worker.

| module | holds |
|---|---|
| `options`, `scenarios` | the command line; the mixes of operations |
| `companion_kind` | what a scenario declares of a program beside its traffic |
| `shape`, `schedule` | the rate over time; when each arrival is due |
| `storm` | one legal entity that sends more than its share |
| `share` | the share of one of several workers |
"""
