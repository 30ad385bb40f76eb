"""Makes the load: starts arrivals at their planned times, with users that are ready, and records everything.

| module | holds |
|---|---|
| `generator` | starts arrivals when they are due |
| `recorder`, `progress` | the record; the lines of progress |
| `journey_user` | the Locust user: takes an arrival, sends its requests |
"""
