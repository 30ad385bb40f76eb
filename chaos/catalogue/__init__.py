"""The drills: each one value, made of a hypothesis, a fault with its heal, and what is expected.

| module | holds |
|---|---|
| `model`, `predicates` | what a drill is made of; questions to one observation |
| `drills` | the list of them |
| `faults` | faults of databases, hosts, networks and the store |
| `channel_faults`, `small_disk` | faults of gateways and TongWeb; of a full disk |
"""
