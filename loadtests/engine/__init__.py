"""Making the load: arrivals are due at planned times, users stand ready, everything is recorded.

| module | holds |
|---|---|
| `generator` | starts arrivals when they are due |
| `recorder`, `progress` | the record; what is said meanwhile |
| `journey_user` | the Locust user: takes an arrival, sends its requests |
"""
