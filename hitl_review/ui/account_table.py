"""Accounts as an HTML table: who, in which role, in what standing. Pure, like `log_table`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from urllib.parse import urlencode

from hitl_review.domain.account import Account
from hitl_review.ui.roles import role_words
from hitl_review.workflow.auditing import printable


def accounts_html(everyone: Sequence[Account], *, with_password: Collection[str], public: Collection[str]) -> str:
    """Return the accounts as a table, in the order they were made, each with the way to set its password."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Name", "Account", "Role", "Standing", "Password"))
    rows = "".join(_row_html(each, with_password, public) for each in everyone)
    return (
        '<div class="hr-paper"><table class="hr-table hr-accounts"><caption class="hr-unseen">Accounts</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row_html(account: Account, with_password: Collection[str], public: Collection[str]) -> str:
    standing = "may sign in" if account.enabled else "✕ disabled"
    if account.account_id in public:
        password = "public"
    else:
        password = "set" if account.account_id in with_password else "none yet"
    address = "./auth/password?" + urlencode({"account": account.account_id})
    return (
        f'<tr><th scope="row">{_safe(account.name)}</th><td>{_safe(account.account_id)}</td>'
        f"<td>{escape(account.role.words)} <span>{escape(role_words(account.role))}</span></td><td>{standing}</td>"
        f'<td>{password} · <a href="{escape(address)}">set anew</a></td></tr>'
    )


def _safe(text: str) -> str:
    return escape(printable(text))
