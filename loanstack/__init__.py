"""The `loanstack` command: a thin command line over the project's other programs.

| package | holds |
|---|---|
| `cli` | the command line: options and help |
| `commands` | the verbs: each runs other programs, reads what they wrote, and judges it |
| `companions` | reports, merges and samplers that run during a load |
| `capacity` | the search for the highest rate that keeps every objective |
| `judging` | computes a run's verdict from its files, when it ends and whenever it is judged again |
| `results` | outcomes of deploys, host tests, drills and comparisons, as figures and tables |
| `runs` | what a running command uses: run folder, console, child processes |
| `measure` | processor time and memory that hosts and this machine use |
| `system` | questions and commands to the deployed system |
| `report` | makes one page about a run from its files |
"""
