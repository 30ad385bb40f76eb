"""Access of a drill to the system under test: protocols, and their implementations over SSH.

| module | holds |
|---|---|
| `world` | the protocols: databases, hosts, agents, etcd, clients, power, network |
| `pair` | which host is primary and which is standby |
| `host_fault` | making, checking and undoing a fault on its host |
| `databases`, `hosts`, `agents`, `switches`, `alerts` | the implementations, by what they access |
| `shells`, `sql_session` | the shells and SQL sessions that they use |
"""
