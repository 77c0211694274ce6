"""The worker of the web server in the image."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]  # it comes without types
    """An ASGI worker that does not wait for event listeners when it ends: they reconnect by themselves.

    It ignores X-Forwarded-For, which a client can forge, and uses the address of the connection.
    """

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        **UvicornWorker.CONFIG_KWARGS,
        "lifespan": "off",
        "proxy_headers": False,
        "timeout_graceful_shutdown": 5,
    }
