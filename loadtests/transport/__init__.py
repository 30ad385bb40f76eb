"""Sends steps and reads answers: connections, requests, and outcomes of answers.

| module | holds |
|---|---|
| `targets`, `connections` | base URLs; kept-alive connections |
| `exchange`, `outcomes` | one request and its answer; the outcome of an answer |
| `preflight` | whether a gateway answers and customers are seeded |
"""
