"""`python -m failover`: see `failover.cli`."""

from failover.cli import main

if __name__ == "__main__":
    main()
