"""How long a request's body is waited for: one place for every door, whatever reads it."""

import asyncio

from starlette.types import Message, Receive

from app.domain.errors import TooSlow

RATE = 500  # bytes a second that even the poorest mobile network brings


class Patience:
    """A request's `receive` that raises TooSlow where nothing of the body comes for `idle` seconds, or where it has
    been waited for longer than that and RATE allow for what has come. What we take to work on a piece does not
    count, nor does anything after the end of the body, or once `answering` is set."""

    __slots__ = ("_idle", "_left", "_receive", "answering")

    def __init__(self, receive: Receive, idle: float) -> None:
        self._receive = receive
        self._idle = self._left = idle
        self.answering = False

    async def __call__(self) -> Message:
        if self.answering:
            return await self._receive()
        now = asyncio.get_running_loop().time
        begun = now()
        try:
            async with asyncio.timeout(min(self._idle, self._left)):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow(
                "body-stalled",
                "请求正文迟迟未传完，连接已关闭，请重新发送；网络慢时请压缩或分成几份 · The body did not come to its "
                "end; the connection is closed: send it again, where the network is slow compressed or in pieces",
            ) from None
        self._left += len(message.get("body", b"")) / RATE - (now() - begun)
        self.answering = not message.get("more_body", False)
        return message
