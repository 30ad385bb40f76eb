"""Effects on this host and on others: database, processes, local state, fence devices, systemd."""
