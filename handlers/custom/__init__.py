"""Put your handlers here.

Each file, such as `handlers/custom/billing.py`, is loaded at start, in the order of the names; files that
start with `_` or `test_` are not. A file needs a module-level `router = Router()`: see
`handlers/builtin/log_event.py`. `hooks handlers new` writes one, with a test.
"""
