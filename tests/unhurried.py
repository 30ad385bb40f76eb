"""Property tests run unhurried: these machines are shared, and a slow second says nothing about the code.

Imported by the conftest of each folder that has property tests; not by that of `tests/hosts`, which runs
where Hypothesis is not installed.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
