"""Chucky REST API: one-shot prompts, and what they cost."""
