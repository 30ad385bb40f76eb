"""Deploys: one folder for each component, and a loop over their list; site.py is the only script.

Reading order: `component`, `components`, `converge`, then one folder, such as `etcd`.

| module | what it has |
|---|---|
| `component` | what a component is: its roles, the steps of its deploy, its footprint on a host |
| `components` | the list |
| `derived` | what follows from the list: firewall, packages, targets, roles, names on the command line |
| `converge` | the loop over stages and components that registers the operations of one host |
| `connector` | hosts and their groups for pyinfra; a connection that notices a dead host |
| `summary` | a summary of the run for other programs |
| `fact_failures` | which fact failed on which host, for the summary |
| `certificates`, `certificate_fitness` | certificates of hosts, and whether one can be used |
| `trust` | authorities of others that hosts trust |
| `artifact` | artifacts with the hash they must have |
| `platform` | names that differ between Kylin and its stand-in |
| `write_times` | when files were written, so that services restart for those that they have not read |
| `content` | files of a component, rendered from the project's folder `templates/` |
| `rotation` | the tool that takes a service out of rotation |
| `facts`, `operations` | the state of a host; commands for a difference, or the reason why there is none |

In the folder of a component:

| module | what it has |
|---|---|
| `__init__` | `COMPONENT`: the description, without pyinfra, for every program |
| `spec` | settings of the component on one host, computed from the inventory; pure |
| `deploy` | `spec_of`, the files, and the deploys from install over configure to activate |
| `facts`, `operations` | those that only this component needs |

`--data only=COMPONENT` converges one component. `--data database=mariadb` stops OceanBase and lets the
services use MariaDB, until a deploy without this option. `LOANSTACK_DEPLOY_SUMMARY=FILE` writes a summary of
the run as JSON (see `summary`). Certificates and secrets are on the control machine (`certificates`,
`inventory.secrets`); they are sent on stdin, and are in no argument, log, diff or world-readable file.
"""
