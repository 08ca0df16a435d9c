"""Server: the process that serves the pages, what it is started with, and what it says once it is there."""

import gc
import os
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

from streamlit import get_option

from app.config import AppConfig

ROOT = Path(__file__).parents[1]
SHOW = "SIGNALEMENT_SHOW"  # set where the page shall be shown in a browser as soon as it answers


def check_address(address: str, port: int | None) -> None:
    """Nothing, if a server can listen there; without a port, on any.

    Raises:
        ValueError: it cannot; the message says why.
    """
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"expected a port from 1 to 65535, got {port}; give another --port")
    try:
        family, _, _, _, found = socket.getaddrinfo(address, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(found)
    except OSError as error:
        place = address if port is None else f"{address}:{port}"
        raise ValueError(
            f"expected a free port of this computer, but {place} cannot be used ({error.strerror}); "
            "give another --port or --address"
        ) from error


def server_environment(config: AppConfig, *, show: bool) -> Mapping[str, str]:
    """The environment in which `app.ui` serves a config."""
    return os.environ | config.environment() | {"PYTHONPATH": str(ROOT), SHOW: "1" if show and _has_screen() else ""}


def _has_screen() -> bool:
    """Whether a browser would have a window; without one, a text browser would take the terminal over."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


@asynccontextmanager
async def announced(warm_up: Callable[[], object]) -> AsyncIterator[None]:
    """Say where the pages are while they are served, and get ready for the first reader meanwhile."""
    url = f"http://{get_option('server.address') or 'localhost'}:{get_option('server.port')}"
    Thread(target=_get_ready, args=(warm_up,), daemon=True).start()
    print(f"\n  Signalement is at {url}   (Ctrl-C ends it)\n", flush=True)
    if os.environ.get(SHOW):
        webbrowser.open(url)
    yield


def _get_ready(warm_up: Callable[[], object]) -> None:
    """Load what the first reader would wait for; no garbage collection walks through it again, which takes 0.1 s."""
    warm_up()
    gc.freeze()
