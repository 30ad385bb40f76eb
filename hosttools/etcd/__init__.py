"""`loanstack-etcd`: one member of etcd, as its administrator handles it."""
