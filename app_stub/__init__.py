"""Loan services: a stand-in for the bank's credit application, made to be load-tested and broken.

Start (no arguments; everything comes from the environment, see `settings`):

    LOAN_LISTEN_ADDRESS=... LOAN_PORT=8080 LOAN_DATABASE_ENDPOINTS=ip:2881,ip:2881 \\
    LOAN_DATABASE_USER=loan_app LOAN_DATABASE_PASSWORD=... LOAN_DATABASE_NAME=loan \\
    LOAN_POOL_SIZE=16 python3 -m app_stub.serve

One process, one event loop (uvloop), one HTTP parser (httptools), one database driver (asyncmy).
SIGTERM stops it gracefully. Schema and rights: `schema.sql`, `grants.sql`. Helpers that run on a loan host:
`python3 -m app_stub.seed`, `python3 -m app_stub.export`.

Imports nothing of the project's other packages: this folder goes to hosts as a built artifact.
"""
