"""Figures and verdict of a recorded load. Pure.

| module | holds |
|---|---|
| `figures`, `hdr_log` | figures from the record; latencies as an HDR log |
| `run_info` | run_info that only the generator knows (`load.json`) |
| `validity`, `worker_validity` | whether the load went as planned, and was measured well enough |
| `judge` | the verdict over the record alone |
| `budget` | how many requests may break a promise, and how many did |
| `noisy_neighbour` | effect of one legal entity's storm on the other entities |
"""
