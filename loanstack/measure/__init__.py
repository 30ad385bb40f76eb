"""What hosts and this machine spend while a load runs.

| module | holds |
|---|---|
| `usage`, `cpu_breakdown` | processor time and memory by host and unit; by component |
| `machine`, `machine_watch`, `bulk` | how fast and how busy this machine is |
| `portal_counts` | which service got how many requests |
"""
