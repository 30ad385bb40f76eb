"""Effects on this host and on others: database, processes, notes, fence devices, systemd."""
