"""Retaining: records that are kept no longer are archived and thinned by the rules of the law, and come back whole."""

from app.retaining.archive import ArchiveUnusable
from app.retaining.planning import Plan, plan
from app.retaining.restoring import restore
from app.retaining.running import NAME, Report, run, state

__all__ = ["NAME", "ArchiveUnusable", "Plan", "Report", "plan", "restore", "run", "state"]
