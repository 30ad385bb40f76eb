"""What a drill needs of the system under test, and the real one over SSH.

| module | holds |
|---|---|
| `world` | the protocols: databases, hosts, agents, store, clients, power, network |
| `live` | all of them, of one environment |
| `databases`, `hosts`, `agents`, `switches` | each of them |
| `remote`, `sql_session` | shells, channels and SQL sessions below that |
"""
