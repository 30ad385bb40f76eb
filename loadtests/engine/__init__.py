"""Makes the load: starts arrivals at their planned times, with users that are ready, and records everything.

| module | holds |
|---|---|
| `generator` | starts arrivals when they are due |
| `recorder`, `progress` | the record; the lines of progress |
| `preparation` | from options to a generator that can begin |
| `loan_user`, `journey_user` | the Locust user; how it takes an arrival and sends its requests |
"""
