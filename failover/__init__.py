"""The database failover agent: who leads, who must not, and what to do next.

| module | holds |
|---|---|
| `words`, `observed`, `limits` | what an agent sees in one look, and the limits it decides by; values only |
| `actions` | what it may do next; values only |
| `decision` | `decide` and `must_fence`: from what is seen to what is done; pure |
| `safety` | when this host's own database must be killed; pure |
| `eligibility`, `claims`, `fencing` | who may lead next, when, and what must be certain before; pure |
| `leading`, `following`, `standby` | what a leader, a candidate and a standby do next; pure |
| `requests`, `objections` | what operators ask for, and what speaks against it; pure |

Imports nothing of the project's other packages: this folder goes to hosts as a built artifact.
"""
