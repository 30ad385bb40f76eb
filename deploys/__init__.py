"""Deploys: one module for each component; site.py is the only script.

Reading order: `components` (components of each role, in their order), then one such as `loan_services`.

- `specs/`: settings of a component on one host, computed from the inventory; pure.
- `content`, and the folder `templates/` of the project: the files of a component.
- `facts/`: the state of a host; `operations/`: commands for a difference, or the reason why there is none.

`--data only=COMPONENT` converges one component. `--data database=mariadb` stops OceanBase and lets the
services use MariaDB, until a deploy without this option. `LOANSTACK_DEPLOY_SUMMARY=FILE` writes a summary of
the run as JSON (see `summary`). Certificates and secrets are on the control machine (`certificates`,
`inventory.secrets`); they are sent on stdin, and are in no argument, log, diff or world-readable file.
"""
