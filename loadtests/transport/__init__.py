"""From a step to an answer: connections, requests, and what an answer says.

| module | holds |
|---|---|
| `targets`, `connections` | base URLs; kept-alive connections |
| `exchange`, `outcomes` | one request and its answer; what the answer says |
| `preflight` | whether a gateway answers and customers are seeded |
"""
