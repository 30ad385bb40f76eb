"""Tools that root runs on hosts: the administrator's commands of each component, one package each.

They read what services, peers and databases write, none of which root may trust. So every value from
outside comes in through `numbers`, programs are started with a list of arguments and never through a shell,
and files in folders that others own are written through `files`, which follows no link.

| tool | command on hosts |
|---|---|
| `etcd` | `loanstack-etcd` |
| `mariadb` | `loanstack-mariadb` |
| `oceanbase` | `loanstack-db` |
| `rotation` | `loanstack-rotation` |
| `tongweb` | `loanstack-tongweb` |

| shared module | what it holds |
|---|---|
| `entry` | how every tool starts and ends |
| `errors` | the one error of the tools |
| `files` | files in folders that others own |
| `numbers` | numbers from outside |
| `pipes` | what a program is told and says |
| `programs` | other programs, without a shell |
| `settings` | settings: JSON that the deploy wrote |
| `sql` | questions to databases |
| `users` | users of this host |
| `waiting` | the clock, and waiting for a condition |
| `web` | questions over HTTP and HTTPS |

This package goes to hosts as the artifact `host-tools`, and imports nothing else of ours.
"""
