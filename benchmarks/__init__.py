"""Measures chaozcode-hooks beside its peers, on one machine; `make bench` runs it."""
