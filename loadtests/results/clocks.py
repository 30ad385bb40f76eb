"""How far clocks are apart, by the name that the workers know it by: see `proof.clocks`."""

from proof.clocks import ClockReading, Offset, offset, worse

__all__ = ("ClockReading", "Offset", "offset", "worse")
