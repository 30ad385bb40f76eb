"""What a recorded load shows. Pure.

| module | holds |
|---|---|
| `figures`, `hdr_log` | figures from the record; latencies as an HDR log |
| `run_info` | what only the generator knows of its run (`load.json`) |
| `validity`, `worker_validity` | whether it was the planned load, and measured well enough |
| `judge` | the verdict over the record alone |
| `budget` | how many requests may break a promise, and how many did |
| `others` | what one legal entity's storm did to the others |
"""
