"""One module per component; site.py is the only script."""
