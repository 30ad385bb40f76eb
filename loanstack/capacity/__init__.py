"""Searches the highest rate that keeps every promise, confirms it, and names the resource that ran out."""
