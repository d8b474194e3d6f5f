"""`onecode simulate-scales`: drives a running service as the scales of whole markets do, and reconciles."""

from app.simulator.door import SimulationFailed
from app.simulator.plan import QUIET, Habits, Plan
from app.simulator.running import Report, simulate
from app.simulator.terminal import play, show

__all__ = ["QUIET", "Habits", "Plan", "Report", "SimulationFailed", "play", "show", "simulate"]
