"""What the agent tells everybody, and takes from the operator of its own host, over HTTP."""
