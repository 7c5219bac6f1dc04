"""Others that do the same job, as small as they can be written; run from .venv-bench, not from .venv."""
