"""The loan services: what runs on the loan hosts."""
