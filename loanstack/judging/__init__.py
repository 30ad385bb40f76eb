"""Computes a run's verdict from its files, with the same code when it ends and when it is judged again.

| module | judges |
|---|---|
| `readings` | the file with counters of hosts and machine, read before and after a load |
| `load`, `slowness` | a load: record, checkers, costs, objectives; the cause if it was too slow |
| `own_record` | whether verb and files of a run folder fit each other |
| `derived` | which objectives a run should have had |
| `again`, `differences` | a whole run folder with its parts; recorded values that are not confirmed |
"""
