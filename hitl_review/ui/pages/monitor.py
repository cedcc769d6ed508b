"""The monitor: lamps with words, as the last look kept them. Nothing is computed in the page's run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import streamlit as st

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.store import alarms
from hitl_review.store.alarms import Monitoring
from hitl_review.store.jobs import JobKind
from hitl_review.ui import session, widgets, work_progress
from hitl_review.workflow.workspace import Workspace

SIGNS: Final = {"fine": ("✓", "fine"), "alarm": ("!", "alarm"), "unknown": ("?", "not known yet")}
ORDER: Final = ("alarm", "unknown", "fine")


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the newest look of the monitor, the alarms, and a way to look anew."""
    require(actor, Permission.READ_GATE)
    st.title("Monitor", anchor=False)
    found = alarms.latest_monitoring(workspace.store)
    with st.container(horizontal=True, vertical_alignment="center", key="monitor_head"):
        work_progress.ask_button("Look now", JobKind.MONITOR, actor)
        if found is None:
            widgets.line("The monitor has not looked yet. It looks once a day where something was decided.")
        else:
            widgets.line(f"Looked at {found.at:%Y-%m-%d %H:%M} UTC. It looks once a day, or when asked.")
    work_progress.panel(JobKind.MONITOR, ended=False)
    if found is not None:
        lamps: Sequence[Mapping[str, Any]] = found.report["lamps"]
        ordered = sorted(lamps, key=lambda lamp: ORDER.index(lamp["state"]))
        st.html("".join(map(_lamp_html, ordered)))
    _alarms(workspace, found)


def _lamp_html(lamp: Mapping[str, Any]) -> str:
    sign, word = SIGNS[lamp["state"]]
    return (
        f'<div class="hr-paper"><div class="hr-lamp hr-lamp-{lamp["state"]}"><b><span aria-hidden="true">{sign}</span> '
        f"{escape(lamp['title'])}: {word}.</b> {escape(lamp['words'])}{_figures_html(lamp)}</div></div>"
    )


def _figures_html(lamp: Mapping[str, Any]) -> str:
    """Return the figures behind a lamp, folded: intervals, drifted features, the chart's settings, readers."""
    figures = lamp.get("figures") or {}
    rows = [*_intervals(figures), *_features(figures), *_chart(figures), *_checks(figures)]
    if not rows:
        return ""
    drawn = "".join(f'<tr><th scope="row">{escape(a)}</th><td>{escape(b)}</td></tr>' for a, b in rows)
    return (
        '<details><summary>Figures</summary><table class="hr-table hr-pairs">'
        f'<caption class="hr-unseen">Figures</caption><tbody>{drawn}</tbody></table></details>'
    )


_ESTIMATES: Final = {
    "auc": "AUC on random checks",
    "calibration_slope": "Calibration slope",
    "observed": "Share with the outcome",
    "automation_bias": "Automation bias",
    "beneficial_overrides": "Beneficial overrides",
}


def _intervals(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for name, words in _ESTIMATES.items():
        found = figures.get(name)
        if isinstance(found, Mapping):
            text = found["reason"] if found["value"] is None else f"{found['value']:.2f}"
            if found["interval"] is not None:
                low, high = found["interval"]
                text += f" ({low:.2f} to {high:.2f}), {found['cases']} cases"
            rows.append((words, text))
    if "matured" in figures:
        rows.append(("Matured outcomes", f"{figures['matured']} of {figures['cases']}"))
    return rows


def _features(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    moved = [each["words"] for each in figures.get("features", []) if each["alarm"]]
    return [(name, shift) for name, _, shift in (words.partition(": ") for words in moved)]


def _chart(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "limit" not in figures:
        return []
    height = figures["heights"][-1] if figures["heights"] else 0.0
    return [
        ("CUSUM now, and its limit", f"{height:.2f} of {figures['limit']:.2f}"),
        ("Overrides", f"{figures['overrides']} of {figures['decisions']}, usual {figures['usual']:.0%}"),
        ("A doubling is found after", f"about {figures['found_after']:.0f} decisions"),
        ("False alarms", f"one in {figures['false_alarm_every']:.0f} decisions"),
    ]


def _checks(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each["reader"], each["words"]) for each in figures.get("checks", [])]


def _alarms(workspace: Workspace, newest: Monitoring | None) -> None:
    rows = alarms.recent(workspace.store, limit=20)
    titles = {} if newest is None else {lamp["name"]: lamp["title"] for lamp in newest.report["lamps"]}
    if not rows:
        widgets.line("No alarm was ever raised here.")
        return
    body = "".join(
        f'<tr><th scope="row">{each.at:%Y-%m-%d %H:%M}</th><td>{escape(each.state)}</td>'
        f"<td>{escape(titles.get(each.lamp, each.lamp))}</td><td>{escape(each.words)}</td></tr>"
        for each in rows
    )
    head = "".join(f'<th scope="col">{each}</th>' for each in ("When (UTC)", "What", "Lamp", "Why"))
    st.html(
        '<div class="hr-paper hr-wide"><table class="hr-table"><caption><b>Alarms</b>, newest first; each is an '
        f"event of the log</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        with st.container(horizontal_alignment="center"), st.container(key="paper", width=800, gap="small"):
            page(open_one, person)
