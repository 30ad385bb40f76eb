"""The database failover agent: it decides which database leads, fences the others, and acts on this host.

- `core` decides, and is pure. Its input is `words`, `observed` and `limits`, its output one of `actions`.
  `decision` computes the action with `safety`, `eligibility`, `claims`, `fencing`, `leading`, `following`,
  `standby`, `alone`, `requests` and `objections`.
- `etcd` is etcd: its `http_api`, the `client`, its `records`, the `history` and its `recorder`.
- `host` has all effects on hosts: this host's database (`processes`, `session`, `database`, `note`, `tool`),
  other hosts (`peers`, `devices`, `verify`) and systemd (`notify`).
- `agent` is the `loop` with its `memory`, its inputs (`etcd_watch`, `looking`) and its effects
  (`self_fence`, `acting`, `claiming`, `changing`, `powering`, `leader_record`); `agent` puts it together.
- `api` answers queries (`announcement`, `status`, `story`) and takes operators' commands (`order_check`,
  `orders`, `outcome`), over `http`.

The other modules are the agent's settings file (`settings`, `settings_file`, `reading`), its commands (`cli`,
`agent_client`, `tables`), the `signature` of what agents say, its `clock` and its `logs`. `core` imports none
of the others; only `agent` imports all of them.

This package imports no other package of the project, because it goes to hosts as a built artifact.
"""
