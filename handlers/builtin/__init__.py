"""Handlers that come with the project; HOOKS_BUILTIN_HANDLERS=false leaves them out."""
