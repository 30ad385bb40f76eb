"""The database failover agent: who leads, who must not, and what to do next.

- `core` decides, and is pure: `words`, `observed` and `limits` are what is seen in one look, `actions` what
  may be done next, `decision` leads from the one to the other, with `safety`, `eligibility`, `claims`,
  `fencing`, `leading`, `following`, `standby`, `alone`, `requests` and `objections`.
- `store` is etcd: its `gateway`, the `client`, its `records`, the `history` and who writes it down.
- `host` is what is touched: the database here (`processes`, `session`, `database`, `note`, `tool`), other
  hosts (`peers`, `devices`, `verify`) and systemd (`notify`).
- `agent` is the `loop`, what it remembers (`memory`), how it sees (`store_watch`, `looking`) and what it does
  (`self_fence`, `acting`, `claiming`, `changing`, `powering`, `leader_record`); `agent` puts it together.
- `api` is who is told what (`announcement`, `status`, `story`) and what operators may order (`orders`,
  `outcome`), over `http`.

Beside them: the one file with everything an agent needs to be told (`settings`, `settings_file`, `reading`),
its commands (`cli`, `agent_client`, `tables`), its `clock` and its `logs`. `core` knows none of the others,
and only `agent` knows all of them.

Imports nothing of the project's other packages: this folder goes to hosts as a built artifact.
"""
