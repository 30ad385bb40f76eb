"""`loanstack-db`: one database of the primary/standby pair, as its administrator and its agent handle it.

| module | what it holds |
|---|---|
| `settings` | settings, and the files that follow from them |
| `roles` | roles, and which one of several peers decides |
| `database` | questions and statements to this database and its peers |
| `status` | the state as one line of JSON, whether it is healthy, and the wait until it is |
| `data` | the data folder: the role recorded there, and how the folder is emptied |
| `unit` | the database's systemd unit, and what its next start is told |
| `lock` | one change at a time |
| `bootstrap` | a new database in an empty folder: primary, or standby of another |
| `start` | starts on data that are there: as they are, as a standby, or copied anew |
| `guard` | refuses a start that might give a second primary |
| `promotion` | standby to primary, without its source |
| `switchover` | the roles of a pair swapped: hand over, take over |
| `merge` | the daily merge |
| `launch` | what this process becomes: the database itself, or a SQL client |

A command imports only what it needs: a plan asks every host for its state, and the start of Python and its
libraries is most of what an answer takes.
"""
