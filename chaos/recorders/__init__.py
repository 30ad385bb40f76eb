"""What is recorded while a drill or a load runs, each as a program of its own.

| module | records |
|---|---|
| `clients` | what clients were told: Locust, started and stopped |
| `replication`, `replay_lag` | the positions of both databases, and the lag between them |
| `write_probe` | attempts to write into each database directly |
| `export`, `contents` | journal and limits as the services read them afterwards; what both databases hold |
| `clocks` | how far the clocks of all hosts are from this machine's |
"""
