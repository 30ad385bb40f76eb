"""The agent itself: it observes, decides and acts in a loop. `agent` puts it together."""
