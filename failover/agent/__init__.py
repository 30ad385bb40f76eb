"""The agent itself: it looks, decides and acts in a loop. `agent` puts it together."""
