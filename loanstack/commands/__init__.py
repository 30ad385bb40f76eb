"""The verbs: each runs other programs, reads what they wrote, and judges it."""
