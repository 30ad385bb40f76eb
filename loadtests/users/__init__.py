"""What users do: the steps of the loan journey, and what each of them knows.

| module | holds |
|---|---|
| `population` | customers and products, made from a seed |
| `steps`, `journey` | single requests with what must come back; their order |
| `shared_limits` | few limits that many users draw on |
"""
