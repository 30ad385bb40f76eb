"""What a drill needs of the system under test, and the real one over SSH.

| module | holds |
|---|---|
| `world` | the protocols: databases, hosts, agents, store, clients, power, network |
| `pair` | which host is primary and which is standby |
| `host_fault` | how a fault is started, seen and undone on its host |
| `databases`, `hosts`, `agents`, `switches`, `alerts` | each of them |
| `shells`, `sql_session` | open shells and SQL sessions below that |
"""
