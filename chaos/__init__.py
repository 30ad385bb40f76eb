"""Drills: faults with heals, probes, pure checkers, and the runner."""
