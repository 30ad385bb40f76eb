"""The users: steps of the loan journey, and the state that each user knows.

| module | holds |
|---|---|
| `population` | customers and products, made from a seed |
| `steps`, `journey` | single requests with their expected answers; their order |
| `shared_limits` | few limits that many users draw on |
"""
