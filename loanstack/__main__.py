"""`python -m loanstack`."""

from loanstack.cli import main

main()
