"""`onecode serve --demo`: a market day, posted through the public interface as its parties would post it."""

from app.demo.playing import market_day
from app.demo.showing import LOGINS, Login, show
from app.demo.stage import CHINA, DemoFailed, Stage

__all__ = ["CHINA", "LOGINS", "DemoFailed", "Login", "Stage", "market_day", "show"]
