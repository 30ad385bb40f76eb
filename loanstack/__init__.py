"""The thin command that names the common trips."""
