"""`loanstack-tongweb`: one TongWeb and the portal on it, as systemd and the deploy handle them."""
