"""The failover manager: an agent on each database host, which alone decides who takes writes.

Start (no arguments; everything comes from /etc/loanstack/failover.json, see `settings`):

    python3.11 -m failover run

Imports nothing of the project's other packages: this folder goes to hosts as a built artifact.
"""
