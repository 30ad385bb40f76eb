"""Locust scenarios, arrivals, and the SLO judge."""
