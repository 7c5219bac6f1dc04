"""Which tables this release needs."""

from typing import Final

HEAD: Final = "0008"
"""The newest migration; a test holds it to what stands in migrations/versions."""
