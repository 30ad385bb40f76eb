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
| `settings`, `settings_file`, `reading` | the one file with everything an agent needs to be told |
| `gateway`, `pieces`, `records`, `store`, `history` | the consensus store, and what is in it |
| `processes`, `session`, `database`, `note`, `tool`, `verify` | the database here, and its changes |
| `peers`, `devices` | other hosts: looked at directly, and switched off and on |
| `store_watch`, `looking`, `memory` | from all of that to the one value that is decided by |
| `self_fence`, `acting`, `claiming`, `changing`, `powering`, `leader_record`, `recorder` | what is done |
| `loop`, `notify`, `parts`, `agent` | the loop, the guard beside it, and how it is all put together |
| `facts`, `agent_facts`, `announcement`, `status`, `story`, `metrics` | what an agent tells |
| `api`, `orders`, `outcome`, `problems` | its HTTP API |
| `cli`, `agent_client`, `tables`, `logs` | its commands, and its log |

Imports nothing of the project's other packages: this folder goes to hosts as a built artifact.
"""
