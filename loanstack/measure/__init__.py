"""Measures what hosts and this machine use during a load.

| module | holds |
|---|---|
| `usage`, `cpu_breakdown` | processor time and memory by host and unit; by component |
| `units` | names of the components' units |
| `machine`, `machine_watch`, `bulk` | how fast and how busy this machine is |
| `portal_counts` | requests that each loan service got |
"""
