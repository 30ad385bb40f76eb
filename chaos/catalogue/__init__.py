"""The drills: each is one value, with a hypothesis, a fault with its heal, and an expectation.

| module | holds |
|---|---|
| `model`, `predicates` | the types of a drill's parts; predicates over one observation |
| `drills` | the list of drills |
| `faults` | faults of databases, hosts, networks and etcd |
| `channel_faults`, `small_disk` | faults of gateways, TongWeb and loan services; a full disk |
"""
