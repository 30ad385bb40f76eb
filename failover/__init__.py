"""The database failover agent: it decides which database leads, fences the others, and acts on this host.

- `core` decides, and is pure. Its input is `states`, `observed` and `limits`, its output one of `actions`.
  `decision` computes the action with `safety`, `eligibility`, `leader_lock`, `fencing`, `leader`, `follower`,
  `standby`, `unprotected`, `requests` and `objections`.
- `etcd` reads and changes etcd: `http_api`, the `client`, `keys`, `records`, `history` and `history_writer`.
- `host` has all effects on hosts: this host's database (`processes`, `exit_watch`, `session`, `database`,
  `local_state`, `tool`), other hosts (`peers`, `devices`, `verify`) and systemd (`notify`).
- `agent` is the `loop` with its `limits` and `memory`, its inputs (`etcd_watch`, `observer`) and its effects
  (`self_fence`, `executor`, `leader_lock`, `role_changes`, `power_control`, `leader_record`); `agent` puts it
  together.
- `api` answers queries (`announcement`, `status`, `history`) and takes operators' commands (`command_check`,
  `commands`, `outcome`), over `http`.

The other modules are the agent's settings file (`settings`, `settings_file`, `json_reader`), its commands
(`cli`, `agent_client`, `tables`), the `signature` of agents' answers and of commands, its `clock` and its
`logs`. `core` imports none of the others; only `agent` imports all of them.

This package imports no other package of the project, because it goes to hosts as a built artifact.
"""
