"""The pages on which passwords are typed: plain HTML without scripts, so that none passes through Streamlit.

Pure functions from values to text. Everything that comes from people is escaped; the one style sheet
is admitted by its digest, and nothing else may be loaded.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from hitl_review.domain.account import Account
from hitl_review.domain.password import DEMO_PASSWORD, LONGEST, SHORTEST
from hitl_review.project import Project
from hitl_review.ui.roles import role_words

STYLE: Final = Path(__file__).with_name("plain.css").read_text(encoding="utf-8")
NOT_A_DEVICE: Final = "Not a medical device: for research, teaching and quality work only."
PUBLIC: Final = (
    "This is a demonstration. Its accounts are public: everybody knows their password, so nothing here shows "
    "who did it. Choose one to look around."
)


@dataclass(frozen=True, slots=True)
class Note:
    """What is told at the top of a page; a refusal is told louder, and above the form that was refused."""

    words: str
    refused: bool = False


def headers() -> dict[str, str]:
    """Return the headers of these pages: no script, no frame, kept nowhere; the origin of a form may be told to us."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }


def sign_in_page(
    project: Project,
    *,
    then: str,
    note: Note | None = None,
    name: str = "",
    public: Sequence[Account] = (),
    institution: bool = False,
) -> str:
    """Return the page that asks who is there; `public` are the accounts of a demonstration."""
    form = (
        '<form method="post" action="/auth/sign-in">'
        f"{_hidden('then', then)}"
        f"{_field('account', 'Name of your account', 'text', 'username', value=name, focus=not name and not public)}"
        f"{_field('password', 'Password', 'password', 'current-password', focus=bool(name))}"
        "<button>Sign in</button></form>"
    )
    other = '<p><a class="button" href="/auth/institution">Sign in with your institution</a></p>' if institution else ""
    demo = _public_accounts(public, then) if public else ""
    purpose = f"<p>{escape(project.intended_use)}</p>"
    not_for = f"<p><b>Not for:</b> {escape(project.not_for)}</p>" if project.not_for else ""
    said = _note(note)
    top, beside = ("", said) if note is not None and note.refused else (said, "")
    body = f"{top}{demo}{beside}{form}{other}<footer>{purpose}{not_for}<p>{NOT_A_DEVICE}</p></footer>"
    return _page("Sign in", project.title, body)


def _public_accounts(accounts: Sequence[Account], then: str) -> str:
    buttons = "".join(
        f'<form method="post" action="/auth/sign-in">{_hidden("account", each.account_id)}'
        f"{_hidden('password', DEMO_PASSWORD)}{_hidden('then', then)}"
        f'<button class="choice"><b>{escape(each.name)}</b> '
        f"<span>{escape(role_words(each.role))}</span></button></form>"
        for each in accounts
    )
    return (
        f'<section aria-label="Demonstration accounts"><p class="demo">{PUBLIC}</p>{buttons}</section>'
        '<h2>Or with a password</h2>'
    )


def password_page(
    account: Account, *, own: bool, note: Note | None = None, temporary: bool = False
) -> str:
    """Return the page on which a password is set: one's own, or by an administrator somebody else's."""
    whose = "your" if own else f"{account.name}'s"
    told = "It was set by somebody else, who knows it. Choose one that only you know." if temporary else ""
    form = (
        f'<form method="post" action="/auth/password">{_hidden("account", account.account_id)}'
        f"{_hidden('username', account.account_id, autocomplete='username')}"
        f"{_field('current', 'Your own password now', 'password', 'current-password', focus=True)}"
        f"{_field('password', f'New password, {SHORTEST} characters or more', 'password', 'new-password')}"
        f"{_field('again', 'New password once more', 'password', 'new-password')}"
        "<button>Set the password</button></form>"
    )
    hint = "<p>A few words in a row are hard to guess and easy to keep. No capitals or signs are needed.</p>"
    back = '<p><a href="/">Back without a change</a></p>'
    lead = f"<p>{escape(account.name)} ({escape(account.account_id)}, {escape(account.role.words)}). {told}</p>"
    return _page(f"Set {escape(whose)} password", "", f"{_note(note)}{lead}{form}{hint}{back}")


def plain_page(title: str, words: str) -> str:
    """Return a page that only says something, with the way back."""
    return _page(escape(title), "", f'<p>{escape(words)}</p><p><a class="button" href="/">Go on</a></p>')


def _page(title: str, lead: str, body: str) -> str:
    over = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>hitl-review</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="/favicon.png">'
        f"<style>{STYLE}</style></head><body><main><h1>{title}</h1>{over}{body}</main></body></html>"
    )


def _note(note: Note | None) -> str:
    if note is None:
        return ""
    kind = ' class="refused" role="alert"' if note.refused else ' class="told" role="status"'
    return f"<p{kind}>{escape(note.words)}</p>"


def _hidden(name: str, value: str, *, autocomplete: str = "off") -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}" autocomplete="{autocomplete}">'


def _field(name: str, label: str, kind: str, complete: str, *, value: str = "", focus: bool = False) -> str:
    filled = f' value="{escape(value)}"' if value else ""
    plain = ' autocapitalize="none" spellcheck="false"' if kind == "text" else ""
    return (
        f'<label for="{name}">{escape(label)}</label><input id="{name}" name="{name}" type="{kind}" required'
        f' maxlength="{LONGEST}" autocomplete="{complete}"{plain}{filled}{" autofocus" if focus else ""}>'
    )
