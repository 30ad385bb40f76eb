"""What to do next, decided from what is seen: pure, standard library only. `decision` is the way in."""
