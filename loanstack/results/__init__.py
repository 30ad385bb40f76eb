"""Outcomes of deploys, host tests, drills and comparisons, as figures and tables. Pure.

| module | outcomes of |
|---|---|
| `deploys` | a deploy's summary, host by host |
| `host_tests` | pytest's JUnit file |
| `drills` | repeats of drills |
| `comparison` | OceanBase beside MariaDB |
| `whole` | a proof, from its parts |
| `ended` | the programs that did the work of a run |
"""
