"""A busy machine draws its inputs slowly: that is no fault of what is tested."""

from hypothesis import HealthCheck, settings

settings.register_profile("crossdock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crossdock")
