"""From the files of a run folder to its verdict: the same code when a run ends, and when it is judged again.

| module | judges |
|---|---|
| `readings` | what was read of hosts and machine around a load, as a file |
| `load`, `slowness` | a load: record, checkers, costs, objectives; what made it too slow |
| `again`, `differences` | a whole run folder, with its parts; what differs from what was recorded |
"""
