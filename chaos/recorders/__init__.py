"""Programs that record a drill or a load.

| module | records |
|---|---|
| `clients` | the clients' requests, with Locust |
| `replication`, `replay_lag` | the log positions of both databases, and the lag between them |
| `write_probe` | attempts to write into each database directly |
| `export`, `contents` | journal and limits afterwards, read by the services; contents of both databases |
| `clocks` | offsets of the clocks of all hosts from this machine's clock |
"""
