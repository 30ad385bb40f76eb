"""What commands ask of the deployed system, or change in it.

| module | holds |
|---|---|
| `everywhere` | one command on many hosts at once |
| `seeding` | customers seeded while something else runs |
| `rotation` | taking an instance out of service and back |
| `durability`, `semi_sync` | when writes are acknowledged; the same of MariaDB |
"""
