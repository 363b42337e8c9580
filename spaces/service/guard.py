"""Around the whole application: the headers every answer has, and errors that say nothing of a
judgment.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spaces.service.answers import error_answer
from spaces.service.batching import log, place_of
from spaces.service.bodies import ClientLeft

__all__ = ["HEADERS", "Guard"]

# What an answer has unless it says otherwise: a browser may keep, guess, embed and run nothing.
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """ASGI middleware. What nobody expected becomes an answer 500 here, because the server would
    log its message and its traceback.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_guarded)
        except ClientLeft:
            answer = error_answer(499, "the client left")  # nobody reads it
        except Exception as error:
            log.error("%s: %s", scope.get("method"), place_of(error))
            answer = error_answer(500, "an error of the service itself; its log says where")
        else:
            return
        if not begun:
            await answer(scope, receive, send_guarded)
