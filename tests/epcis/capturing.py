"""What the tests of captures share."""

import time
from typing import Any

from tests.support.cast import Actor

SECONDS = 60
PROCEED = {"GS1-Capture-Error-Behaviour": "proceed"}


def handed_over(actor: Actor, body: Any, **headers: str) -> str:
    """Where the job of a document is; `headers` with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = actor.post("/epcis/capture", headers=named, **sent)
    assert answer.status_code == 202, answer.text
    assert answer.content == b""
    return str(answer.headers["location"])


def ended(actor: Actor, location: str, seconds: float = SECONDS) -> dict[str, Any]:
    """The job, when it is done."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = actor.get(location)
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        if not job["running"]:
            return job
        time.sleep(0.02)
    raise AssertionError(f"still running: {job}")


def captured(actor: Actor, body: Any, **headers: str) -> dict[str, Any]:
    """The job of a document, when it is done."""
    return ended(actor, handed_over(actor, body, **headers))


def counts(job: dict[str, Any]) -> tuple[int, int, int]:
    """Recorded, duplicate, refused."""
    outcome = job["onecode:outcome"]
    return outcome["recorded"], outcome["duplicate"], outcome["refused"]


def pointers(job: dict[str, Any]) -> list[str]:
    """Where its faults are."""
    return [error["errors"][0]["pointer"] for error in job["errors"]]
