"""Overseeing: what goes through the books by itself and tells whom it concerns."""

from app.overseeing.sweeper import Sweeper
from app.overseeing.sweeps import NAME, Sweep, sweep
from app.overseeing.undelivered import note_given_up
from app.overseeing.watching import Watch

__all__ = ["NAME", "Sweep", "Sweeper", "Watch", "note_given_up", "sweep"]
