"""The thin command that names the common trips.

| package | holds |
|---|---|
| `cli` | the command line: options and help |
| `commands` | the verbs: each runs other programs, reads what they wrote, and judges it |
| `companions` | what runs beside the transactions of a load |
| `capacity` | the search for the highest rate that keeps every objective |
| `judging` | from the files of a run to its verdict, at its end and ever after |
| `results` | what came of deploys, host tests, drills and comparisons |
| `runs` | a command at work: run folder, console, child processes |
| `measure`, `system` | what hosts and machine spend; what is asked of the deployed system |
| `report` | one page about a run, from its files |
"""
