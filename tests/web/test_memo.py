"""What is kept until the feed says otherwise: nothing older than a change, and no more than there is room for."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from app.web.memo import Made, Memo, Mending

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def made(value: str, *names: str, size: int = 10, until: datetime = NOW + timedelta(hours=1)) -> Made[str]:
    return Made(value, frozenset(names), size, until)


def memo(age: float = 0.0, capacity: int = 10_000) -> Memo[str, str]:
    return Memo(lambda: age, capacity)


def test_kept_until_something_it_depends_on_changes() -> None:
    kept = memo()
    assert kept.get("stall", NOW) is None
    assert kept.make("stall", lambda: made("one", "a", "b")) == "one"
    assert kept.make("other", lambda: made("two", "b")) == "two"
    kept.forget(["c"])
    assert (kept.get("stall", NOW), kept.get("other", NOW)) == ("one", "two")
    kept.forget(["a"])
    assert (kept.get("stall", NOW), kept.get("other", NOW)) == (None, "two")
    kept.forget(["b"])
    assert kept.get("other", NOW) is None
    kept.make("other", lambda: made("three", "b"))
    kept.forget_all()
    assert kept.get("other", NOW) is None
    kept.forget(["b"])


def test_dates_pass_without_a_change() -> None:
    kept = memo()
    kept.make("stall", lambda: made("one", "a"))
    assert kept.get("stall", NOW + timedelta(minutes=59)) == "one"
    assert kept.get("stall", NOW + timedelta(hours=1)) is None
    assert (kept.usage.hits, kept.usage.misses, kept.usage.evictions) == (1, 1, 0)


def test_what_was_made_before_a_clock_was_set_back_is_not_believed() -> None:
    kept = memo()
    kept.make("stall", lambda: Made("one", frozenset("a"), 10, NOW + timedelta(hours=1), NOW))
    assert kept.get("stall", NOW - timedelta(minutes=1)) is None
    assert kept.get("stall", NOW) == "one"


def test_nothing_old_is_believed_where_the_feed_is_lost() -> None:
    kept = memo(age=1.5)
    kept.make("stall", lambda: made("one", "a"))
    assert kept.get("stall", NOW) is None
    assert (kept.usage.hits, kept.usage.misses) == (0, 1)


@pytest.mark.parametrize("touched", [["a"], None])
def test_what_changed_while_it_was_made_is_used_once(touched: Iterable[str] | None) -> None:
    kept = memo()

    def make() -> Made[str]:
        kept.forget_all() if touched is None else kept.forget(touched)
        return made("old", "a")

    assert kept.make("stall", make) == "old"
    assert kept.get("stall", NOW) is None
    kept.make("stall", lambda: made("new", "a"))
    assert kept.get("stall", NOW) == "new"


def test_of_what_is_made_together_that_alone_is_used_once_that_changed() -> None:
    kept = memo()

    def make() -> dict[str, Made[str]]:
        kept.forget(["a"])
        return {"stall": made("old", "a"), "goods": made("right", "b")}

    assert kept.make_all(make) == {"stall": "old", "goods": "right"}
    assert (kept.get("stall", NOW), kept.get("goods", NOW)) == (None, "right")


class TestMending:
    """What was outdated is handed to whoever makes it anew, with all that has changed since."""

    def kept(self, age: float = 0.0) -> Mending[str, str]:
        found: Mending[str, str] = Mending(lambda: age, 10_000)
        assert found.outdated("stall", NOW) is None
        found.make("stall", lambda: made("one", "a", "b", "c"))
        return found

    def test_until_it_is_made_anew(self) -> None:
        kept = self.kept()
        kept.forget(["x"])
        assert kept.get("stall", NOW) == "one"
        kept.forget(["a", "x"])
        kept.forget(["b"])
        assert kept.get("stall", NOW) is None
        assert kept.kept() == []
        assert kept.outdated("stall", NOW) == ("one", {"a", "b"})
        kept.make("stall", lambda: made("two", "b", "d"))
        assert (kept.get("stall", NOW), kept.outdated("stall", NOW)) == ("two", ("two", set()))
        # Of the names that it no longer depends on it hears no more.
        kept.forget(["a", "c"])
        assert kept.get("stall", NOW) == "two"
        kept.forget(["d"])
        assert kept.outdated("stall", NOW) == ("two", {"d"})

    def test_what_changes_meanwhile_is_told_next_time(self) -> None:
        kept = self.kept()
        kept.forget(["a"])

        def make() -> Made[str]:
            assert kept.outdated("stall", NOW) == ("one", {"a"})
            kept.forget(["b"])
            return made("mended", "a", "b", "c")

        assert kept.make("stall", make) == "mended"
        assert kept.get("stall", NOW) is None
        assert kept.outdated("stall", NOW) == ("one", {"a", "b"})

    def test_nothing_is_mended_that_has_lapsed_or_that_the_feed_was_lost_of(self) -> None:
        kept = self.kept()
        assert kept.outdated("stall", NOW + timedelta(hours=1)) is None
        kept.forget(["a"])
        kept.forget_all()
        assert kept.outdated("stall", NOW) is None
        assert self.kept(age=1.5).outdated("stall", NOW) is None
        kept.make("stall", lambda: made("new", "a"))
        assert kept.get("stall", NOW) == "new"


def test_what_fails_to_be_made_is_not_kept() -> None:
    kept = memo()

    def fail() -> Made[str]:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        kept.make("stall", fail)
    assert kept.get("stall", NOW) is None
    kept.forget(["a"])


def test_the_longest_unasked_for_makes_room() -> None:
    kept = memo(capacity=1_000)
    for name in ("one", "two"):
        kept.make(name, lambda name=name: made(name, "a", size=200))  # type: ignore[misc]
    kept.get("one", NOW)
    kept.make("three", lambda: made("three", "a", size=200))
    assert [kept.get(name, NOW) for name in ("one", "two", "three")] == ["one", None, "three"]
    assert (kept.usage.hits, kept.usage.misses, kept.usage.evictions) == (3, 1, 1)
    assert 0 < kept.usage.size <= 1_000
    kept.make("giant", lambda: made("giant", size=2_000))
    assert (kept.usage.evictions, kept.usage.size) == (4, 0)
    assert [kept.get(name, NOW) for name in ("one", "three", "giant")] == [None, None, None]
