"""Access to etcd: the HTTP API, the keys, the records in them, reads and changes, the history."""
