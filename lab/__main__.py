"""`python -m lab`: the lab's commands without the rest of loanstack."""

from lab.cli import lab

if __name__ == "__main__":
    lab(prog_name="python -m lab")
