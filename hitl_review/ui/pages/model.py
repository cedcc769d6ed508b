"""The model in use: what it is for, how it was made, how good it is, and what it has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from hitl_review.domain.account import Actor, Permission, may, require
from hitl_review.domain.prediction import Verdict
from hitl_review.domain.registry import Figure
from hitl_review.domain.signature import Signature
from hitl_review.errors import NoChampion
from hitl_review.project import Project
from hitl_review.store import accounts, models
from hitl_review.ui import descent, session, widgets
from hitl_review.ui import model_charts as charts
from hitl_review.workflow.presenting import verdict_words
from hitl_review.workflow.viewing import ModelPapers, view_model
from hitl_review.workflow.workspace import Workspace

NO_FIGURES = (
    "There are no pictures of this model. They are drawn when a model is trained where matplotlib is installed: "
    "pip install 'hitl-review[figures]'."
)
FIGURES_WORDS = "Drawn by shap from the patients it learned from, when it was trained."
FIGURE_WORDS = {
    "beeswarm": "One point per patient and measurement: to the right it raised the score, to the left it lowered it. "
    "The colour is the value, from low to high; grey was not measured, or is a category."
}


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the papers of the model in use, or say that there is none."""
    require(actor, Permission.READ_MODEL)
    try:
        papers = view_model(workspace, actor=actor)
    except NoChampion:
        st.title("Model", anchor=False)
        st.text(_without_model(workspace))
        return
    st.title(f"Model {papers.version.name}", anchor=False)
    project = workspace.project
    st.html(charts.lead_html(project.title))
    st.html(charts.purpose_html(project.intended_use, project.not_for))
    st.html(_identity(workspace, papers))
    report: Mapping[str, Any] | None = papers.card.get("hold_out")
    if report is None:
        widgets.line(
            "It was not measured: there was no hold-out with outcomes of both kinds when it was trained."
        )
    else:
        _measured(workspace.project, report)
    _figures(papers.figures)
    st.html(descent.model_html(workspace, papers.version, named=may(actor.role, Permission.READ_GATE)))
    with st.expander("Parameters, library versions and digests"):
        st.html(_details(papers))


def _without_model(workspace: Workspace) -> str:
    """Say that no model is in use, and since when, in words for whoever may or may not change that."""
    move = models.newest_move(workspace.store)
    if move is None:
        return "No model is in use yet: none was trained."
    return (
        f"No model is in use. It was stopped on {move.at:%Y-%m-%d %H:%M} UTC: {move.statement} "
        "Cases are read without one until an approver puts a model in use again, on the page Learning."
    )


def _identity(workspace: Workspace, papers: ModelPapers) -> str:
    project, card, version = workspace.project, papers.card, papers.version
    people = {account.account_id: account.name for account in accounts.everyone(workspace.store)}
    move = papers.in_use
    pairs = (
        ("Predicts", f"{project.target.positive.words}, asked on {project.target.index_time}"),
        ("Learned from", _learned_from(card)),
        ("Trained", _when_and_who(version.trained_at, version.trained_by, people)),
        ("In use since", "" if move is None else _when_and_who(move.at, move.by, people)),
        ("Signed", "" if move is None else _signed(move.signature)),
        (
            "Threshold",
            f"{card['threshold']:.0%}: from there on its call is “{project.target.positive.words}”",
        ),
        ("Digest", version.digest),
    )
    return f'<div class="hr-paper">{charts.pairs_html(pairs, caption="What this model is")}</div>'


def _signed(signature: Signature | None) -> str:
    return "by nobody: the product itself put its first model in use" if signature is None else signature.words


def _learned_from(card: Mapping[str, Any]) -> str:
    """Return how many patients a model learned from; a stated probability counts as a part of an outcome."""
    positives = float(card["positives"])
    about = "" if positives.is_integer() else "about "
    return f"{card['rows']} patients, {about}{positives:.0f} of them with the outcome ({card['base_rate']:.0%})"


def _when_and_who(at: datetime, account_id: str, people: Mapping[str, str]) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC, by {descent.name_of(account_id, people)}"


def _measured(project: Project, report: Mapping[str, Any]) -> None:
    groups = [_groups(project, name, levels) for name, levels in report["subgroups"].items()]
    amounts = [(_label(project, name), amount) for name, amount in report["importance"].items()]
    verdicts = [(verdict_words(project, each), report["verdicts"].get(each.value, 0)) for each in Verdict]
    sections = (
        charts.measures_html(report),
        charts.calibration_html(report["calibration_bins"]),
        charts.subgroups_html(groups, first_number=3),
        charts.importance_html(amounts, number=3 + len(groups)),
        charts.verdicts_html([each for each in verdicts if each[1]], number=4 + len(groups)),
    )
    st.html(charts.section_html("How good it is", _hold_out_words(report), sections))


def _groups(project: Project, name: str, levels: Mapping[str, Any]) -> tuple[str, list[charts.Group]]:
    groups = [charts.Group(_level_words(project, name, level), figures) for level, figures in levels.items()]
    return _label(project, name), groups


def _hold_out_words(report: Mapping[str, Any]) -> str:
    return (
        f"Measured on {report['cases']} patients whose outcomes are known and from whom no model ever learns; "
        f"{report['positives']} of them had the outcome."
    )


def _label(project: Project, name: str) -> str:
    labels = {feature.name: feature.label for feature in project.features}
    labels |= {column.name: column.label for column in project.subgroup_columns}
    return labels.get(name, name)


def _level_words(project: Project, name: str, level: str) -> str:
    levels = {
        each.code: each.label
        for feature in project.features
        if feature.name == name
        for each in feature.levels
    }
    return levels.get(level, level)


def _figures(figures: Sequence[Figure]) -> None:
    st.html(charts.section_html("What it has learned", FIGURES_WORDS if figures else NO_FIGURES, []))
    if figures:
        _figure(figures[0], 1)
    for place in range(1, len(figures), 2):
        for column, number in zip(st.columns(2), range(place, min(place + 2, len(figures))), strict=False):
            with column:
                _figure(figures[number], number + 1)


def _figure(figure: Figure, number: int) -> None:
    st.image(figure.png, alt=figure.alt, width="stretch")
    st.html(
        charts.legend_html(number, FIGURE_WORDS.get(figure.name, figure.name[:1].upper() + figure.name[1:]))
    )


def _details(papers: ModelPapers) -> str:
    card = papers.card
    pairs = [
        ("Preset", f"{card['preset']}, {card['rounds']} rounds, seed {card['seed']}"),
        *((name, f"{value}") for name, value in sorted(card["parameters"].items())),
        ("Calibration", ", ".join(f"{name} {value}" for name, value in sorted(card["calibration"].items()))),
        *((f"{name} version", f"{value}") for name, value in sorted(card["versions"].items())),
        ("Model", papers.version.digest),
        ("Training manifest", card["manifest"]),
        ("Training data", card["data"]),
        ("Feature list", card["feature_spec"]),
        ("Project file", card["project"]),
    ]
    return (
        f'<div class="hr-paper">{charts.pairs_html(pairs, caption="Parameters, versions and digests")}</div>'
    )


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        with st.container(horizontal_alignment="center"), st.container(key="paper", width=800, gap="small"):
            page(open_one, person)
