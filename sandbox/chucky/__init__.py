"""Chucky's REST API, imitated from its reference."""
