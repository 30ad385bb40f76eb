"""Facts: the state of a host. They change nothing."""
