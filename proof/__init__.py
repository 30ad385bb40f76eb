"""The content of a run folder, and the code that judges it: record, checkers, objectives, verdict. Pure.

| module | holds |
|---|---|
| `record`, `files` | the records of clients, databases and samplers; reading and writing them |
| `history` | the records of one run together, for checkers |
| `checkers/` | checkers of a history, one for each promise of the bank |
| `outage` | how long clients were without service, split into parts |
| `clocks` | offsets of the hosts' clocks from the control machine's clock |
| `percentiles` | the one definition of a percentile |
| `objectives`, `promised` | limits of figures and their evaluation; the objectives of each kind of run |
| `titles` | titles and units of figures |
| `verdict`, `exits` | PASS, FAIL, INVALID, findings, and the verdict over several; exit codes |
"""
