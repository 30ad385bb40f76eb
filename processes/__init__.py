"""Processes that we start, here or on hosts over SSH: they have deadlines, end with us, and say how.

| module | holds |
|---|---|
| `child` | one child in a session of its own, and how it ended; `Completed` is what every command ends as |
| `group` | the children of one command, ended youngest first |
| `interrupts` | what Ctrl-C does, and when it waits |
| `lines` | a child that is spoken to in lines, with deadlines |
| `ssh` | a command on one host, on many at once, or at our own terminal |

Imports the inventory alone, and never gevent: a worker that makes load may use it, too.
"""
