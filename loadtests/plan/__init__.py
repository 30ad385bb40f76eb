"""What a load is to be: scenarios, the rate over time, arrivals, and who does which part.

| module | holds |
|---|---|
| `options`, `scenarios` | the command line; the mixes of operations |
| `companion_kind` | what a scenario declares of a program beside its traffic |
| `shape`, `schedule` | the rate over time; when each arrival is due |
| `storm` | one legal entity that asks for more than its part |
| `share` | what one of several workers does of it |
"""
