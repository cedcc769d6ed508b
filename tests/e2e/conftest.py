"""A real Chromium, a served workspace per module, and a reader of its own for every test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from hitl_review.workflow.demo import make_demo
from tests.e2e.desk import Desk
from tests.e2e.records import assert_seen_before_decided, assert_whole
from tests.e2e.serving import Server, add_reader, copy_workspace

WIDE = (1440, 900)
PHONE = (390, 844)
WAITING_MS = 20_000
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_numbers = count(1)

SitAt = Callable[..., Desk]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration workspace, made once; tests work on copies."""
    folder = tmp_path_factory.mktemp("demo") / "workspace"
    make_demo(folder)
    return folder


@pytest.fixture(scope="module")
def served(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on the module's own copy of the demonstration."""
    server = Server(copy_workspace(demo, tmp_path_factory.mktemp("served") / "workspace")).start()
    yield server
    server.kill()


def chromium_path() -> str:
    """Return where Chromium is: what the environment variable CHROMIUM names, or Debian's."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        raise RuntimeError("No Chromium was found. Install it, or name it in the variable CHROMIUM.")
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium without a window."""
    expect.set_options(timeout=WAITING_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=_ARGUMENTS)
        yield browser
        browser.close()


Contexts = Callable[[str, tuple[int, int], int], BrowserContext]


@pytest.fixture(scope="session")
def context_for(chromium: Browser) -> Contexts:
    """Give the browser's context for a theme, a size and a person; each is made once, so that its cache is warm.

    A context is a browser of its own: its cookies are one person's.
    """
    made: dict[tuple[str, tuple[int, int], int], BrowserContext] = {}

    def given(theme: str, size: tuple[int, int], person: int) -> BrowserContext:
        if (theme, size, person) not in made:
            made[theme, size, person] = chromium.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme="dark" if theme == "dark" else "light",
                has_touch=size == PHONE,
                is_mobile=size == PHONE,
                reduced_motion="reduce",
            )
            made[theme, size, person].set_default_timeout(WAITING_MS)
        return made[theme, size, person]

    return given


@pytest.fixture
def sit_at(context_for: Contexts) -> Iterator[SitAt]:
    """Give desks: tabs in front of a served workspace. At the end of the test every workspace must be whole.

    Two desks of one person are two tabs of one browser, signed in once; another person has a browser of their own.
    """
    desks: list[Desk] = []
    people: dict[str, int] = {}

    def seated(
        server: Server, reader: str | None = None, *, theme: str = "light", size: tuple[int, int] = WIDE
    ) -> Desk:
        reader = reader or add_reader(server.folder, f"reader-{next(_numbers) + 100}")
        context = context_for(theme, size, people.setdefault(reader, len(people)))
        desk = Desk(context.new_page(), server.address, reader, server.folder)
        # Signing in once more would end what the other tabs of the browser hold.
        desk.signed_in = any(each.signed_in for each in desks if each.page.context is context)
        desks.append(desk)
        return desk

    yield seated
    for desk in desks:
        assert desk.outside_requests() == []
        desk.page.close()
        desk.page.context.clear_cookies()
    for folder in {desk.folder for desk in desks}:
        assert_whole(folder)
    for folder, reader in {(desk.folder, desk.reader) for desk in desks}:
        assert_seen_before_decided(folder, reader)


@pytest.fixture
def desk(served: Server, sit_at: SitAt) -> Desk:
    """One reader at one wide desk in front of the module's workspace."""
    return sit_at(served)
