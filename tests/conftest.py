"""A busy machine draws its inputs slowly: that is no fault of what is tested. Every process runs on the same engine."""

from hypothesis import HealthCheck, settings

import tests.engine.mode  # noqa: F401 (it sets the environment)

settings.register_profile("crossdock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crossdock")
