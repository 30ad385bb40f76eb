"""What commands ask of the deployed system, or change in it.

| module | holds |
|---|---|
| `seeding` | customers seeded while something else runs |
| `rotation` | taking an instance out of service and back |
| `semi_sync` | what of MariaDB was answered without its replica |
"""
