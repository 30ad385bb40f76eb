"""Queries and changes of the deployed system, for commands.

| module | holds |
|---|---|
| `seeding` | customers seeded while something else runs |
| `rotation` | takes an instance out of rotation and puts it back |
| `semi_sync` | counts MariaDB's commits that its replica did not acknowledge |
"""
