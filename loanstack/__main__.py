"""`python -m loanstack`."""

from loanstack.cli.main import main

main()
