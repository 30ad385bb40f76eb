"""`python -m loadtests.workers`."""

import sys

from loadtests.workers.command import main

if __name__ == "__main__":
    sys.exit(main())
