"""A person at a desk: one browser tab, what it shows, what one does in it, and all that came over the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import APIResponse, Locator, Page, expect

from hitl_review.domain.password import DEMO_PASSWORD
from hitl_review.ui.session import ARRIVED_SECONDS

LOOKING_MS = 800
"""A little longer than the 0.7 s that a screen must have stood before an act on it is recorded."""
STAGES = {"estimate": ".st-key-estimate", "decide": ".st-key-decision", "decided": ".st-key-decided"}
_CONNECTED = "[data-testid=stApp][data-test-connection-state=CONNECTED]"
_AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass
class Desk:
    """One tab, one reader. It records every websocket frame, request and console error from the start."""

    page: Page
    address: str
    reader: str
    folder: Path
    frames: list[bytes] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    signed_in: bool = False

    def __post_init__(self) -> None:
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._keep_frame))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._keep_complaint)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))

    def _keep_frame(self, payload: str | bytes) -> None:
        self.frames.append(payload.encode() if isinstance(payload, str) else payload)

    def _keep_complaint(self, message: object) -> None:
        if getattr(message, "type", "") == "error":
            self.complaints.append(str(getattr(message, "text", "")))

    def outside_requests(self) -> list[str]:
        """Return what this tab asked of anybody but the app itself."""
        own = urlsplit(self.address).netloc
        return [url for url in self.requests if not url.startswith(("data:", "blob:")) and urlsplit(url).netloc != own]

    # --- where the tab is

    @property
    def case(self) -> str:
        """The case that the URL names."""
        return parse_qs(urlsplit(self.page.url).query).get("case", [""])[0]

    @property
    def text(self) -> str:
        """Everything that can be read on the page."""
        return str(self.page.locator("body").inner_text())

    def button(self, key: str) -> Locator:
        """The button of this case whose key begins with a word: accept, override, call_Y, reason_other."""
        return self.page.locator(f"[class*='st-key-{key}_']").get_by_role("button").first

    def at_rest(self) -> Desk:
        """Wait until the tab is connected and nothing runs."""
        self.page.wait_for_selector(_CONNECTED)
        self.page.wait_for_selector(_AT_REST)
        return self

    def at(self, stage: str, case: str | None = None) -> Desk:
        """Wait until a stage of a case stands on the page, whole."""
        if case is not None:
            expect(self.page.get_by_role("heading", name=f"Case {case}")).to_be_visible()
        expect(self.page.locator(STAGES[stage])).to_be_visible()
        return self.at_rest()

    def looked(self) -> Desk:
        """Look at the screen for as long as it takes until an act on it is recorded."""
        self.page.wait_for_timeout(LOOKING_MS)
        return self

    def arrived(self) -> Desk:
        """Stay for longer than a second press of the act that led here can be under way."""
        self.page.wait_for_timeout(1000 * ARRIVED_SECONDS + 200)
        return self

    def told(self, words: str) -> Desk:
        """Wait until a refusal with these words stands on the page."""
        expect(self.page.get_by_test_id("stAlert").filter(has_text=words)).to_be_visible()
        return self

    # --- what one does

    def sign_in(self, account: str | None = None, password: str = DEMO_PASSWORD) -> Desk:
        """Sign in as this desk's person, or as another from now on, by the form's own route. No page is opened."""
        self.reader = account or self.reader
        answer = self.post("/auth/sign-in", account=self.reader, password=password)
        assert answer.status == 200, f"{self.reader} was refused at the sign-in ({answer.status})"
        self.signed_in = True
        return self

    def post(self, path: str, **form: str) -> APIResponse:
        """Post a form as this browser does from its own pages; the answer's cookies are this browser's then."""
        headers = {"origin": self.address}
        return self.page.context.request.post(f"{self.address}{path}", form=dict(form), headers=headers)

    def visit(self, path: str = "/", **query: str) -> Desk:
        """Open a page by its address, signing in first unless this desk's person is."""
        if not self.signed_in:
            self.sign_in()
        self.page.goto(f"{self.address}{path}" + (f"?{urlencode(query)}" if query else ""))
        return self.at_rest()

    def sit_down(self, case: str | None = None) -> str:
        """Open the review page and wait for the own estimate of the next case, or of a named one; return its id."""
        self.visit("/", **({"case": case} if case else {}))
        self.at("estimate")
        self.page.wait_for_url(re.compile(r"[?&]case="))
        return self.case

    def override(self) -> Desk:
        """Ask for the reasons of an override by keyboard, and wait until their keys work."""
        self.press("o")
        expect(self.page.locator(".st-key-reasons")).to_be_visible()
        return self.at_rest()

    def press(self, *keys: str) -> Desk:
        """Press keys one after the other, as fast as the browser takes them."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def hold(self, key: str, seconds: float, *, every: float = 0.033) -> Desk:
        """Hold a key down: the browser repeats it, as a keyboard does."""
        for _ in range(round(seconds / every)):
            self.page.keyboard.down(key)
            self.page.wait_for_timeout(1000 * every)
        self.page.keyboard.up(key)
        return self

    def estimate(self, digit: str = "7", call: str = "y") -> Desk:
        """Give the own estimate by keyboard, and wait for the model's view."""
        case = self.case
        self.looked().press(digit)
        expect(self.page.get_by_label("Your estimate in percent")).to_have_value(str(10 * int(digit)))
        self.at_rest().press(call)
        return self.at("decide", case)

    def accept(self) -> str:
        """Accept by keyboard, wait for the next case, and return its id."""
        case = self.case
        self.looked().press("a")
        return self.moved_on_from(case)

    def moved_on_from(self, case: str) -> str:
        """Wait until another case waits for the own estimate; return its id."""
        self.page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("case", [case])[0] != case)
        self.at("estimate", self.case)
        return self.case
