"""Learning from decisions: the label ledger, long work, the gate's reports, and what people make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from hitl_review.domain.account import Actor, Permission, may, require
from hitl_review.domain.label import Effect, LabelSource
from hitl_review.project import Project
from hitl_review.store import accounts, gates, labels, models
from hitl_review.store.gates import Gate
from hitl_review.store.jobs import JobKind
from hitl_review.store.studies import lists
from hitl_review.ui import descent, gate_charts, learning_acts, routing_panel, session, widgets, work_progress
from hitl_review.workflow.papers import papers_or_reason
from hitl_review.workflow.workspace import Workspace


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw where learning stands, and offer what this person may do about it.

    Each section has a container of its own: where work that ends adds a line above, what is open below stays open.
    """
    require(actor, Permission.READ_GATE)
    st.title("Learning from decisions", anchor=False)
    top = st.container()
    people = {account.account_id: account.name for account in accounts.everyone(workspace.store)}
    with st.container():
        _in_use(workspace, actor, people)
    _ledger(workspace)
    if may(actor.role, Permission.TRAIN):
        with st.container(horizontal=True, vertical_alignment="center", key="learning_head"):
            work_progress.ask_button("Train a challenger", JobKind.RETRAIN, actor)
            widgets.line("From everything above, from scratch; the gate measures it, and people decide.")
    with st.container():
        work_progress.panel(JobKind.RETRAIN, JobKind.RESCORE)
    with st.container():
        _gates(workspace, actor, people)
    routing_panel.panel(workspace, actor)
    _papers(workspace)
    with top:
        widgets.refusal()


def _in_use(workspace: Workspace, actor: Actor, people: Mapping[str, str]) -> None:
    moves = models.moves(workspace.store)
    names = {version.digest: version.name for version in models.versions(workspace.store)}
    if not moves:
        widgets.line("No model is in use yet.")
        return
    newest = moves[-1]
    words = "The model is stopped" if newest.model is None else f"Model {names[newest.model]} is in use"
    said = f": {newest.statement}" if newest.statement else ""
    kind = "alarm" if newest.model is None else "fine"
    st.html(
        f'<div class="hr-paper"><p class="hr-lamp hr-lamp-{kind}" role="status"><b>{escape(words)}</b>, since '
        f"{newest.at:%Y-%m-%d %H:%M} UTC, by {escape(descent.signed_by(newest, people))}{escape(said)}</p></div>"
    )
    learning_acts.use_acts(workspace, actor)


def _ledger(workspace: Workspace) -> None:
    counts = labels.counts(workspace.store)
    rows = []
    for source in LabelSource:
        found = {effect: count for name, effect, count in counts if name == source.value}
        if found:
            used = found.get(Effect.TRAIN.value, 0) if source is not LabelSource.DEFERRAL else 0
            rows.append((source.words.capitalize(), used, sum(found.values()) - used))
    body = "".join(
        f'<tr><th scope="row">{words}</th><td class="hr-number">{used:,}</td><td class="hr-number">{left:,}</td></tr>'
        for words, used, left in rows
    )
    head = (
        '<tr><th scope="col">Source, the best first</th><th scope="col" class="hr-number">To learn from</th>'
        '<th scope="col" class="hr-number">Left out by its reason</th></tr>'
    )
    st.html(
        '<div class="hr-paper hr-wide"><table class="hr-table"><caption><b>The label ledger.</b> One label per case is '
        f"learned from: the best source it has</caption><thead>{head}</thead><tbody>{body}</tbody></table>"
        f'<p class="hr-note">{_ledger_words(workspace)}</p></div>'
    )


def _ledger_words(workspace: Workspace) -> str:
    waiting, disputes = labels.uncollected(workspace.store), len(labels.open_disputes(workspace.store))
    pending = f"{waiting:,} new ones are collected within a minute. " if waiting else ""
    policy = workspace.project.retraining
    return (
        f"{pending}{_disputed(disputes)}. A challenger is trained at "
        f"{policy.minimum_new_labels} new labels, after {policy.maximum_age_days} days, at an alarm, or when asked."
    )


def _disputed(count: int) -> str:
    if count == 0:
        return "No case is in dispute"
    which = "1 case is in dispute and waits" if count == 1 else f"{count:,} cases are in dispute and wait"
    return f"{which} for an adjudicator"


def _gates(workspace: Workspace, actor: Actor, people: Mapping[str, str]) -> None:
    found = gates.everything(workspace.store)
    st.subheader("Gate reports", anchor=False)
    if not found:
        widgets.line("No challenger was measured yet.")
        return
    names = {version.digest: version.name for version in models.versions(workspace.store)}
    chosen = st.selectbox(
        "Report",
        found,
        format_func=lambda gate: _title(gate, names[gate.challenger], names[gate.champion]),
        key=session.field("gate", "learning"),
        label_visibility="collapsed",
    )
    report = gates.report(workspace.store, chosen.gate_id)
    pair = (f"Model {names[chosen.challenger]}", f"Model {names[chosen.champion]}")
    st.html(gate_charts.verdict_html(report, *pair))
    version = models.version(workspace.store, chosen.challenger)
    learning_acts.challenger_acts(workspace, chosen, version, actor, people)
    st.html(gate_charts.criteria_html(report))
    st.html(gate_charts.measures_html(report, *pair))
    for column, (title, drawn) in zip(st.columns(3), gate_charts.curves(report), strict=True):
        column.image(drawn, alt=f"{title} of both models; the figures stand in table 2", width="stretch")
    st.html(gate_charts.legend_html(*pair))
    with st.expander("Subgroups, patients whose answer flips, what moves the score"):
        words = _labels(workspace.project)
        st.html(gate_charts.subgroups_html(report, words))
        sealed = lists.not_unsealed(workspace.store)
        st.html(gate_charts.churn_html(report, sealed) + gate_charts.importance_html(report, words))
    with st.expander(f"Where model {version.name} comes from, and where it went"):
        st.html(descent.model_html(workspace, version, named=True, headed=False))
    widgets.line(f"Protocol {chosen.protocol.removeprefix('sha256:')[:16]}; report {chosen.gate_id}")


def _title(gate: Gate, challenger: str, champion: str) -> str:
    _, verdict, _ = gate_charts.VERDICT_WORDS[gate.verdict]
    return f"{challenger} against {champion}: {verdict.lower()} ({gate.at:%Y-%m-%d %H:%M} UTC)"


def _labels(project: Project) -> dict[str, str]:
    words = {feature.name: feature.label for feature in project.features}
    return words | {
        f"{feature.name}/{level.code}": level.label
        for feature in project.features
        for level in feature.levels
    }


def _papers(workspace: Workspace) -> None:
    card, plan = papers_or_reason(workspace)
    offers: Sequence[tuple[str, str, str | None]] = (
        ("Model card", "model-card.md", card),
        ("Change plan", "change-plan.md", plan),
    )
    with st.container(horizontal=True, gap="small", key="papers"):
        for words, name, text in offers:
            if text is not None:
                st.download_button(
                    words, text, file_name=name, mime="text/markdown", icon=":material/download:"
                )


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        with st.container(horizontal_alignment="center"), st.container(key="paper", width=800, gap="small"):
            page(open_one, person)
