"""The panel after the reveal: accept, override or defer, with equal weight and no default."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.domain.decision import Answer, Choice, Confidence, Decision
from hitl_review.project import Project, Reason
from hitl_review.store import reviews
from hitl_review.ui import descent, rating, session, widgets
from hitl_review.ui.panels import answered_html, titled_html
from hitl_review.workflow.combining import joint_estimate
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.ordering import why_here
from hitl_review.workflow.revealing import Shown
from hitl_review.workflow.review import Opened, next_case
from hitl_review.workflow.workspace import Workspace

STAGE = "decide"
CHANGING = "change"


def panel(workspace: Workspace, opened: Opened, shown: Shown, actor: Actor) -> str:
    """Draw the decision, or what was decided with a way to change it."""
    changing = session.mode().startswith(CHANGING)
    if opened.decision is not None and not changing:
        _decided(workspace, opened.decision, actor)
        stage = "decided"
    else:
        _open_decision(workspace, opened, shown, actor)
        stage = _stage(shown.reveal.reveal_id)
    widgets.next_button(workspace, opened, actor)
    widgets.footing(workspace, opened, actor, why_here(workspace, opened.case.case_id))
    return stage


def _stage(reveal_id: str) -> str:
    """Return the stage of one screen: another model's view of the same case is looked at for as long as the first."""
    return f"{STAGE} {reveal_id}"


def _open_decision(workspace: Workspace, opened: Opened, shown: Shown, actor: Actor) -> None:
    case_id, view = opened.case.case_id, shown.screen.view
    prefix = CHANGING if opened.decision is not None else ""
    chosen = session.mode().removeprefix(CHANGING)
    act = _Act(
        case_id,
        shown.reveal.reveal_id,
        session.token("decide", case_id, opened.decision.decision_id if opened.decision else ""),
        actor.account_id,
        opened.decision.decision_id if opened.decision else None,
    )
    with st.container(border=True, key="decision", gap="xsmall"):
        title = "Change your decision" if opened.decision else "Your decision"
        st.html(titled_html(title, _both_views(workspace, opened, shown)))
        widgets.password_to_sign(workspace, actor, case_id)
        with st.container(gap="xsmall", key="answers"):
            _answer_button("Accept", f"{view.label_words}", "A", "accept", act, chosen)
            _answer_button("Override", f"{view.other_words}", "O", f"{prefix}override", act, chosen)
            _answer_button("Defer", "not now, or not by me", "D", f"{prefix}defer", act, chosen)
        if chosen in ("override", "defer"):
            _reason_buttons(
                workspace.project.reasons_for("override" if chosen == "override" else "defer"), chosen, act
            )
        st.text_area(
            "Comment",
            key=session.field("comment", case_id),
            height=68,
            max_chars=workspace.project.review.comment_limit or None,
            on_change="ignore",
            placeholder="Optional; write it before you answer",
        )
        st.radio(
            "How sure are you?",
            [each.value for each in Confidence],
            index=None,
            key=session.field("confidence", case_id),
            format_func=str.capitalize,
            horizontal=True,
            on_change="ignore",
        )


def _both_views(workspace: Workspace, opened: Opened, shown: Shown) -> str:
    """Say the reader's estimate beside the model's answer, where there was an estimate."""
    if opened.read is None:
        return ""
    call = workspace.project.label_words(opened.read.label)
    return f"You said {opened.read.probability:.0%}: {call}. The model says {shown.screen.view.label_words}."


class _Act(NamedTuple):
    """What a press refers to, bound when the form is drawn."""

    case_id: str
    reveal_id: str
    token: str
    account_id: str
    supersedes: str | None


def _answer_button(word: str, consequence: str, key: str, mode: str, act: _Act, chosen: str) -> None:
    at_once = word == "Accept"
    st.button(
        f"**{word}**: {consequence}",
        key=f"{word.lower()}_{act.case_id}",
        on_click=session.guarded(_record) if at_once else session.set_mode,
        args=(act, Answer.ACCEPTED, None) if at_once else (mode,),
        shortcut=key,
        width="stretch",
        type="primary" if mode.removeprefix(CHANGING) == chosen else "secondary",
    )


def _reason_buttons(reasons: tuple[Reason, ...], chosen: str, act: _Act) -> None:
    answer = Answer.OVERRIDDEN if chosen == "override" else Answer.DEFERRED
    widgets.line(
        f"Why? The key of a reason records the {'override' if chosen == 'override' else 'deferral'}."
    )
    with st.container(gap="xxsmall", key="reasons"):
        for number, reason in enumerate(reasons, start=1):
            note = " (needs a comment)" if reason.needs_comment else ""
            st.button(
                f"{reason.label}{note}",
                key=f"reason_{reason.code}_{act.case_id}",
                on_click=session.guarded(_record),
                args=(act, answer, reason.code),
                shortcut=str(number),
                width="stretch",
            )


def _record(act: _Act, answer: Answer, reason: str | None) -> None:
    """Store the decision of the case that stands on the screen, and go on to the next."""
    case_id, reveal_id, token, account_id, supersedes = act
    if _is_stored(token):
        # The second of two presses. The first one was recorded, and there is nothing to tell; but Streamlit may have
        # cut its answer short after that, as it does wherever the session is asked, and then nobody has moved on.
        if session.case_id() == case_id:
            _move_on(account_id)
        return
    sitting = rating.ensure_sitting(case_id)
    confidence = session.value("confidence", case_id)
    choice = Choice(
        answer,
        reason=reason,
        comment=session.value("comment", case_id, "") or "",
        confidence=Confidence(confidence) if confidence else None,
    )
    with session.workspace() as workspace:
        subject = f"case:{case_id}"
        actor = session.signing_actor(workspace, account_id, place=case_id, act=token, subject=subject)
        record_decision(
            workspace,
            reveal_id,
            choice,
            actor=actor,
            token=token,
            seconds_active=sitting.active_seconds,
            seconds_on_screen=session.seconds_shown(case_id, _stage(reveal_id)),
            supersedes=supersedes,
        )
        session.go_to(next_case(workspace, actor=actor))


def _move_on(account_id: str) -> None:
    with session.workspace() as workspace:
        session.go_to(next_case(workspace, actor=session.same_actor(workspace, account_id)))


def _is_stored(token: str) -> bool:
    with session.workspace() as workspace:
        return reviews.find_decision(workspace.store, token) is not None


def _decided(workspace: Workspace, decision: Decision, actor: Actor) -> None:
    project = workspace.project
    words = {
        Answer.ACCEPTED: "You accepted the model's answer",
        Answer.OVERRIDDEN: "You overrode the model's answer",
        Answer.DEFERRED: "You deferred this case",
    }[decision.answer]
    with st.container(border=True, key="decided", gap="xsmall"):
        said = [
            *_said(project, decision),
            ("You and the model together", _together(workspace, decision)),
            ("It taught", descent.taught_words(workspace, decision)),
        ]
        st.html(answered_html(words, said, f"Signed {decision.signature.words}"))
        st.button(
            "Change my decision",
            key=f"change_{decision.decision_id}",
            on_click=session.set_mode,
            args=(CHANGING,),
            shortcut="O",
            width="stretch",
        )


def _together(workspace: Workspace, decision: Decision) -> str:
    """Say the joint estimate of a decision that is made, where outcomes have shown that it helps; else nothing."""
    joint = joint_estimate(workspace, decision)
    return (
        ""
        if joint is None
        else f"{joint.probability:.0%} (a formula on both, from {joint.reads:,} past reads)"
    )


def _said(project: Project, decision: Decision) -> list[tuple[str, str]]:
    return [
        ("Your answer", project.recorded_words(decision.label)),
        ("Reason", project.reason_words(decision.reason)),
        ("How sure", decision.confidence.value if decision.confidence else ""),
        ("Comment", decision.comment),
    ]
