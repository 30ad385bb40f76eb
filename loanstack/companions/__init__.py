"""Background work of a load, as context managers: entered right before the traffic, left right after it."""
