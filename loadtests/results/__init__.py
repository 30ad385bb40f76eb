"""What a recorded load shows. Pure.

| module | holds |
|---|---|
| `figures`, `hdr_log` | figures from the record; latencies as an HDR log |
| `judge`, `judge_workers` | whether it was the planned load |
| `budget` | how many requests may break a promise, and how many did |
| `others` | what one legal entity's storm did to the others |
"""
