"""What runs beside the transactions of a load: entered right before the traffic, left right after it."""
