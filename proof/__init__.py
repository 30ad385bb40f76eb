"""What a run folder holds and what it proves: the record, the checkers, the objectives and the verdict. Pure.

| module | holds |
|---|---|
| `record`, `files` | what clients, databases and samplers wrote down; reading and writing it |
| `history` | the records of one run together, as checkers look at them |
| `checkers/` | one promise of the bank each, over a history |
| `outage` | how long clients were without service, and in which parts |
| `clocks` | how far the clocks of hosts are from the control machine's |
| `percentiles` | the one definition of a percentile |
| `objectives`, `promised` | limits of figures, evaluated once; what each kind of run promises |
| `titles` | what figures are called, and their units |
| `verdict`, `exits` | PASS, FAIL, INVALID, findings, and how several become one; exit codes |
"""
