"""What the agent touches of this host and of others: database, processes, notes, fence devices, systemd."""
