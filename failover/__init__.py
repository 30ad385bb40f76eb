"""The database failover agent: who leads, who must not, and what to do next.

| module | holds |
|---|---|
| `observed` | what an agent sees in one look, and the limits it decides by; values only |
| `actions` | what it may do next; values only |
| `decision` | `decide` and `must_fence`: from what is seen to what is done; pure |
| `safety`, `eligibility`, `leading`, `following`, `requests` | the rules, one subject each; pure |

Imports nothing of the project's other packages: this folder goes to hosts as a built artifact.
"""
