"""One module per component; site.py is the only script.

Reading order: `components` (who gets what, in which order), then a component such as `loan_services`.

- `specs/`: what a component needs on one host, computed from the inventory; pure.
- `content`, and `templates/` beside this folder: the files it puts there.
- `facts/`: what is on the host; `operations/`: commands for a difference, and a reason where there is none.

`--data only=COMPONENT` converges one component. `--data database=mariadb` has the services work on MariaDB,
with OceanBase stopped, until a deploy without it puts that right. `LOANSTACK_DEPLOY_SUMMARY=FILE` has the run
written down as JSON (see `summary`). Certificates and secrets are on the control machine (`certificates`,
`inventory.secrets`); they travel on stdin and are in no argument, log, diff or world-readable file.
"""
