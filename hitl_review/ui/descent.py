"""Where a model comes from and where it went, and which models a decision taught: lineage, both ways, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hitl_review.domain.decision import Decision
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.registry import ModelVersion, Promotion
from hitl_review.store import accounts, models
from hitl_review.ui import model_charts as charts
from hitl_review.ui import stacked
from hitl_review.ui.gate_charts import VERDICT_WORDS
from hitl_review.ui.history_table import ANSWER_WORDS
from hitl_review.workflow.auditing import printable
from hitl_review.workflow.lineage import ORIGINS, of_decision, of_model
from hitl_review.workflow.workspace import Workspace

PRODUCT: Final = "the product itself"
_TAUGHT: Final = ("Decision", "Model shown", "Training labels", "Taught")
_MOVES: Final = {"promoted": "put in use", "rolled_back": "gone back to"}


def model_html(workspace: Workspace, version: ModelVersion, *, named: bool, headed: bool = True) -> str:
    """Return a model's descent as a section; with `named`, also who gave the labels that it learned from.

    Without `headed` it has no heading of its own, for a place that has one already.
    """
    facts = of_model(workspace, version).facts
    names = {each.digest: each.name for each in models.versions(workspace.store)}
    people = {account.account_id: account.name for account in accounts.everyone(workspace.store)}
    parent = facts["parent"]
    pairs = (
        ("Made from", _made_of(facts)),
        ("Given by", _given_by(facts, people) if named else ""),
        ("Beside", f"model {names.get(parent, parent)}, in use when it was trained" if parent else ""),
        ("Measured", "; ".join(_measured(gate, names) for gate in facts["gates"])),
        ("In use", "; ".join(_moved(move, people) for move in facts["moves"])),
        (
            "Led to",
            f"{facts['predictions']:,} cases judged, {facts['shown']:,} of these views shown to readers, "
            f"{facts['decisions']:,} decisions on them",
        ),
    )
    table = charts.pairs_html(pairs, caption="Where this model comes from, and where it went")
    if not headed:
        return f'<div class="hr-paper">{table}</div>'
    return charts.section_html("Where it comes from, and where it went", _WORDS, (table,))


_WORDS: Final = "From the records: the labels it was trained on, what let it in, and what it has said since."


def _made_of(facts: Mapping[str, Any]) -> str:
    labels = ", ".join(f"{count:,} {ORIGINS[kind]}" for kind, count in facts["labels"].items())
    return f"{facts['cases']:,} cases" + (f": {labels}" if labels else "")


def _given_by(facts: Mapping[str, Any], people: Mapping[str, str]) -> str:
    return ", ".join(
        f"{name_of(each['reader'], people)}: {each['count']:,} {ORIGINS[each['what']]}" for each in facts["given_by"]
    )


def _measured(gate: Mapping[str, str], names: Mapping[str, str]) -> str:
    _, verdict, _ = VERDICT_WORDS[GateVerdict(gate["verdict"])]
    return f"{verdict.lower()} against model {names.get(gate['against'], '')}, {_day(gate['at'])}"


def _moved(move: Mapping[str, str], people: Mapping[str, str]) -> str:
    said = f" (“{printable(move['statement'])}”)" if move["statement"] else ""
    signed = printable(move["signed"] or "") or f"{name_of(move['by'], people)}, {_day(move['at'])}"
    return f"{_MOVES[move['move']]} by {signed}{said}"


def _day(stamped: str) -> str:
    return f"{stamped[:10]} {stamped[11:16]} UTC"


def name_of(account_id: str, people: Mapping[str, str]) -> str:
    """Return who did something, by name."""
    return PRODUCT if account_id == "system" else printable(people.get(account_id, account_id))


def signed_by(moved: Promotion, people: Mapping[str, str]) -> str:
    """Return the signature under a change of the model in use; where there is none, who it was."""
    return name_of(moved.by, people) if moved.signature is None else printable(moved.signature.words)


def taught_words(workspace: Workspace, decision: Decision) -> str:
    """Say which models learned from a decision or the estimate before it; nothing as long as none has."""
    return _taught(of_decision(workspace, decision.decision_id).facts)


def _taught(facts: Mapping[str, Any]) -> str:
    if not facts["models"]:
        return ""
    words = [each["name"] + _judged(each["predictions"]) for each in facts["models"]]
    return f"model{'s' if len(words) > 1 else ''} {', '.join(words)}"


def _judged(count: int) -> str:
    return f" ({count:,} cases judged)" if count else ""


def taught_html(workspace: Workspace, decisions: Sequence[Decision], people: Mapping[str, str]) -> str:
    """Return a table of a case's decisions: which model each answered, and which models learned from it."""
    rows = "".join(_taught_row(workspace, each, people) for each in decisions)
    caption = "<b>What became of it:</b> the model that was shown, and the models that learned from it since"
    return stacked.table(caption, _TAUGHT, f"<tbody>{rows}</tbody>")


def _taught_row(workspace: Workspace, decision: Decision, people: Mapping[str, str]) -> str:
    facts = of_decision(workspace, decision.decision_id).facts
    _, answer = ANSWER_WORDS[decision.answer]
    count = len(facts["labels"])
    cells = (
        f"model {facts['answered']['name']}",
        f"{count} made of it" if count else "none yet",
        _taught(facts) or "no model yet",
    )
    head = f"{name_of(decision.reader, people)}, {answer} {decision.decided_at:%Y-%m-%d %H:%M}"
    return stacked.row(_TAUGHT, head, cells)
