"""Making the load: arrivals are due at planned times, users stand ready, everything is recorded.

| module | holds |
|---|---|
| `generator` | starts arrivals when they are due |
| `recorder`, `progress` | the record; what is said meanwhile |
| `preparation` | from options to a generator that can begin |
| `loan_user`, `journey_user` | the Locust user; how it takes an arrival and sends its requests |
"""
