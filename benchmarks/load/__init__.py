"""Signed, unique events, made before they are sent, so that the sender costs the machine little."""
