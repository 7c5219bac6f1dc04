"""What can be wrong with a handler before any event arrives; all of it fails at start.

HandlerError
├── NoPattern               registered for nothing
├── InvalidPattern          neither a type, nor a family, nor `*`
├── InvalidName             not 1 to 200 of A-Z a-z 0-9 _ . -
├── InvalidTimeout          not a positive length of time
├── InvalidRetry            retry values that make no sense
├── InvalidOrder            no order that there is
├── InvalidQueue            no name of a queue
├── InvalidLimit            a concurrency or rate that makes no sense
├── WrongSignature          not to be called as handler(event, ctx), or asynchronous
├── NameClash               two handlers with one name
├── NoRouter                a module that should bring handlers, and has no Router
└── HandlerModuleBroken     a module with handlers that can't be imported
"""


class HandlerError(Exception):
    """A handler is not usable as it is written; the message says which, where, and what to do."""


class NoPattern(HandlerError): ...  # noqa: N818 - errors here name what happened


class InvalidPattern(HandlerError): ...  # noqa: N818


class InvalidName(HandlerError): ...  # noqa: N818


class InvalidTimeout(HandlerError): ...  # noqa: N818


class InvalidRetry(HandlerError): ...  # noqa: N818


class InvalidOrder(HandlerError): ...  # noqa: N818


class InvalidQueue(HandlerError): ...  # noqa: N818


class InvalidLimit(HandlerError): ...  # noqa: N818


class WrongSignature(HandlerError): ...  # noqa: N818


class NameClash(HandlerError): ...  # noqa: N818


class NoRouter(HandlerError): ...  # noqa: N818


class HandlerModuleBroken(HandlerError): ...  # noqa: N818
