"""Facts: what is on a host. They only look."""
