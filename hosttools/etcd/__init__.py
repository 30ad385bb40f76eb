"""`loanstack-store`: one member of the consensus store (etcd), as its administrator handles it."""
