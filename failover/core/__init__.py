"""Decides the next action from observations: pure, standard library only. `decision` is the entry point."""
