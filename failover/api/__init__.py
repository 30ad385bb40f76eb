"""The agent's HTTP API: queries from any host, commands from the operator of its own host."""
