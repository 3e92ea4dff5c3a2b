"""The composition root: app, settings, authentication, command line and telemetry."""
