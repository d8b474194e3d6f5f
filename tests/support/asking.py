"""An application asked without a server or a client, from within an event loop: for many requests at one moment."""

from typing import Any

from starlette.types import Message


async def ask(app: Any, path: str) -> list[Message]:
    """What it sends to a GET of the path as JSON."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"accept", b"application/json")], "http_version": "1.1", "scheme": "https",
        "server": ("food.example.cn", 443), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)
    return sent
