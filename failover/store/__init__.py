"""The consensus store (etcd): access, content, reading and changing."""
