"""Dry runs: handlers run for real in a process of their own, and nothing of what they do is kept or sent."""
