"""Which cases people read: what is in force, what another routing would do in plain words, and setting it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import streamlit as st

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.domain.routing import Routing, RoutingKind
from hitl_review.project import Feature, Project
from hitl_review.store import routings
from hitl_review.ui import session, widgets
from hitl_review.workflow.ordering import rule_words
from hitl_review.workflow.routing import foresee, set_routing
from hitl_review.workflow.workspace import Workspace

PLACE: Final = "routing"
KINDS: Final = {
    RoutingKind.ALL: "People read every case",
    RoutingKind.RULE: "Cases that meet a rule come first",
    RoutingKind.CAPACITY: "People read so many a day, the least certain first",
    RoutingKind.TARGET_ERROR: "Cases pass without a person where the model's errors stay under a target",
}


def panel(workspace: Workspace, actor: Actor) -> None:
    """Say which cases people read; a steward may ask what another routing would do, and set it."""
    present = routings.in_force(workspace.store)
    with st.expander(f"Which cases people read: {_words(workspace.project, present)}", key="routing"):
        if present.promise:
            st.text(str(present.promise["words"]))
        passed, audited = routings.count_passed(workspace.store)
        if passed:
            widgets.line(
                f"{passed:,} cases passed without a person so far; {audited:,} of these are read as audits."
            )
        if may(actor.role, Permission.SET_ROUTING):
            _choice(workspace, present, actor)
        widgets.refusal(PLACE)


def _words(project: Project, routing: Routing) -> str:
    words: dict[RoutingKind, Callable[[], str]] = {
        RoutingKind.ALL: lambda: "every case",
        RoutingKind.TARGET_ERROR: lambda: f"cases pass at an error of at most {routing.target_error or 0:.0%}",
        RoutingKind.CAPACITY: lambda: f"{routing.per_day} a day",
        RoutingKind.RULE: lambda: f"first those with {rule_words(project, routing)}",
    }
    return f"{words[routing.kind]()}; {routing.random_share:.0%} are random checks"


def _choice(workspace: Workspace, present: Routing, actor: Actor) -> None:
    kinds = list(KINDS)
    kind = st.radio(
        "Who reads what",
        kinds,
        index=kinds.index(present.kind),
        format_func=KINDS.__getitem__,
        key=session.field("kind", PLACE),
    )
    asked = _FIELDS[kind](workspace.project, present)
    if asked is None:
        return
    wanted = Routing(kind, present.random_share, present.audit_share, **asked)
    if wanted.asks_the_same_as(present):
        widgets.line("This is in force now.")
        return
    seen = foresee(workspace, wanted)
    if seen.possible:
        st.info(widgets.plain(seen.words), icon=":material/visibility:")
    else:
        st.warning(widgets.plain(seen.words), icon=":material/block:")
    st.button(
        "Set this routing",
        key="set_routing",
        on_click=session.guarded(_set, place=PLACE),
        args=(wanted, actor.account_id),
        disabled=not seen.possible,
    )


def _set(wanted: Routing, account_id: str) -> None:
    with session.workspace() as workspace:
        set_routing(workspace, wanted, actor=session.same_actor(workspace, account_id))


Asked = Mapping[str, Any]


def _nothing(project: Project, present: Routing) -> Asked:
    return {}


def _target(project: Project, present: Routing) -> Asked:
    percent = st.number_input(
        "At most so many of the cases that pass may be wrong, in percent",
        1,
        50,
        round(100 * (present.target_error or 0.05)),
        key=session.field("target", PLACE),
    )
    return {"target_error": percent / 100}


def _per_day(project: Project, present: Routing) -> Asked:
    return {
        "per_day": st.number_input(
            "Cases that people can read a day", 1, 10_000, present.per_day or 40, key=session.field("per_day", PLACE)
        )
    }


def _rule(project: Project, present: Routing) -> Asked | None:
    features = {feature.name: feature for feature in project.features}
    names = list(features)
    name = st.selectbox(
        "The measurement that the rule is about",
        names,
        index=names.index(present.feature) if present.feature in features else None,
        format_func=lambda each: features[each].label,
        placeholder="Choose one",
        key=session.field("feature", PLACE),
    )
    if name is None:
        return None
    return _limits(features[name], present if present.feature == name else Routing())


def _limits(feature: Feature, present: Routing) -> Asked | None:
    """Ask for what a measurement must be, by its kind; None as long as nothing is said."""
    key = session.field(feature.name, PLACE)
    if feature.levels:
        chosen = st.pills(
            feature.label,
            feature.level_codes,
            format_func=feature.level_label,
            selection_mode="multi",
            default=present.levels,
            key=f"levels_{key}",
        )
        asked: dict[str, Any] = {"levels": tuple(each for each in feature.level_codes if each in chosen)}
    elif feature.kind == "flag":
        before = None if present.feature is None else "no" if present.minimum is None else "yes"
        said = st.pills(feature.label, ("yes", "no"), default=before, key=f"flag_{key}")
        asked = {} if said is None else {"minimum": 1.0} if said == "yes" else {"maximum": 0.0}
    else:
        asked = _bounds(feature, key, present)
    said_something = any(each not in (None, ()) for each in asked.values())
    return {"feature": feature.name, **asked} if said_something else None


def _bounds(feature: Feature, key: str, present: Routing) -> dict[str, Any]:
    unit = f", in {feature.unit}" if feature.unit else ""
    step = 1.0 if feature.decimals == 0 else 10.0**-feature.decimals
    shown = f"%.{feature.decimals}f"
    lowest, highest = st.columns(2)
    return {
        "minimum": lowest.number_input(
            f"At least{unit}",
            value=None if present.minimum is None else float(present.minimum),
            step=step,
            format=shown,
            placeholder="no limit",
            key=f"low_{key}",
        ),
        "maximum": highest.number_input(
            f"At most{unit}",
            value=None if present.maximum is None else float(present.maximum),
            step=step,
            format=shown,
            placeholder="no limit",
            key=f"high_{key}",
        ),
    }


_FIELDS: Final[Mapping[RoutingKind, Callable[[Project, Routing], Asked | None]]] = {
    RoutingKind.ALL: _nothing,
    RoutingKind.RULE: _rule,
    RoutingKind.CAPACITY: _per_day,
    RoutingKind.TARGET_ERROR: _target,
}
