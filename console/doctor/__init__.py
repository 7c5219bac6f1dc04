"""`hooks doctor`: check that everything works, and that nothing accepted is stranded."""

from console.doctor.command import doctor

__all__ = ["doctor"]
