"""A reader reads a study: is handed the next case, judges it, and only then sees the model.

Nothing here joins the truth; the tests read the SQL that these verbs run. What a page gets is a Task:
it does not say which cases are without a reveal, and the model's view comes from `reveal_item` alone,
which refuses it before its time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.audit import check_token, stamp, text_digest
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.decision import Confidence, Modality
from hitl_review.domain.screen import Facts, Screen
from hitl_review.domain.study import ScheduledRead, State, Study, StudyRead, Use, check_rating
from hitl_review.errors import Conflict, NotCommitted, NotFound, StudyError
from hitl_review.store import audit, cases, models
from hitl_review.store.studies import lists, reads, steps
from hitl_review.store.studies.reads import Showing
from hitl_review.workflow.presenting import facts_of
from hitl_review.workflow.review import check_dwell
from hitl_review.workflow.scoring import ModelSource, stored_model
from hitl_review.workflow.studies.showing import study_screen
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Task:
    """The case in front of a reader: its facts, or what an attention check asks, and the read to be made next."""

    item: int
    case_id: str
    modality: Modality
    facts: Facts | None
    """None for an attention check."""
    instruction: str
    """What an attention check asks for; empty for a case."""
    training: bool
    own: StudyRead | None
    """The reader's own read of the case before the model is shown, once it is stored."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a reader is in a study; nothing of it tells how well."""

    done: int
    total: int
    session: int
    sessions: int
    task: Task | None
    waits_until: datetime | None
    """When the next case may be read, where a washout has to pass first."""


def studies_to_read(workspace: Workspace, *, actor: Actor) -> list[Study]:
    """Return the running studies that a reader has a list in."""
    require(actor, Permission.READ_STUDY)
    found = steps.studies(workspace.store)
    return [
        each for each in found if each.state is State.RUNNING and actor.account_id in each.protocol.readers
    ]


def standing(workspace: Workspace, study_id: str, *, actor: Actor) -> Standing:
    """Return how far a reader is, with the case to be read next, if any may be read now."""
    study = _running(workspace, study_id, actor)
    own = lists.of_reader(workspace.store, study_id, actor.account_id)
    made = _made(workspace, study_id, actor)
    done = sum(_is_done(item, made) for item in own)
    item = next((item for item in own if not _is_done(item, made)), None)
    until = None if item is None else washed_out_at(workspace, study, item, own)
    waits = until if until is not None and until > workspace.store.clock() else None
    task = None if item is None or waits else _task(workspace, study_id, item, made)
    sessions = max(item.session for item in own)
    return Standing(done, len(own), sessions if item is None else item.session, sessions, task, waits)


def _running(workspace: Workspace, study_id: str, actor: Actor) -> Study:
    require(actor, Permission.READ_STUDY)
    study = steps.study(workspace.store, study_id)
    if actor.account_id not in study.protocol.readers:
        raise NotFound(f"You have no cases in study '{study_id}'. Ask the study lead.")
    if study.state is not State.RUNNING:
        raise Conflict(f"Study '{study_id}' is {study.state.value}; cases are read while it runs.")
    return study


def _made(workspace: Workspace, study_id: str, actor: Actor) -> dict[tuple[int, Modality], StudyRead]:
    own = reads.of_reader(workspace.store, study_id, actor.account_id)
    return {(read.item, read.modality): read for read in own}


def _is_done(item: ScheduledRead, made: dict[tuple[int, Modality], StudyRead]) -> bool:
    return all((item.item, modality) in made for modality in item.modalities)


def washed_out_at(
    workspace: Workspace, study: Study, item: ScheduledRead, own: list[ScheduledRead]
) -> datetime | None:
    """Return from when on a case may be read that this reader read in an earlier session; None if at any time."""
    if item.session == 1:
        return None
    sessions = {each.item: each.session for each in own}
    earlier = [
        read.committed_at
        for read in reads.of_reader(workspace.store, study.study_id, item.reader)
        if read.case_id == item.case_id and sessions[read.item] < item.session
    ]
    waived = any(row["reader"] == item.reader for row in steps.waivers(workspace.store, study.study_id))
    if not earlier or waived:
        return None
    return max(earlier) + timedelta(days=study.protocol.washout_days)


def _task(
    workspace: Workspace,
    study_id: str,
    item: ScheduledRead,
    made: dict[tuple[int, Modality], StudyRead],
) -> Task:
    modality = next(each for each in item.modalities if (item.item, each) not in made)
    return Task(
        item.item,
        item.case_id,
        modality,
        None if item.use is Use.ATTENTION else _facts(workspace, item.case_id),
        _instruction(workspace, item),
        item.use is Use.TRAINING,
        made.get((item.item, Modality.UNAIDED)),
    )


def _facts(workspace: Workspace, case_id: str) -> Facts:
    return facts_of(workspace.project, cases.get(workspace.store, case_id).snapshot)


def _instruction(workspace: Workspace, item: ScheduledRead) -> str:
    if item.use is not Use.ATTENTION:
        return ""
    label, _, rating = item.expected.partition("/")
    words = workspace.project.label_words(label)
    return f"This is no patient but a check that the page is read. Rate it {rating} and answer: {words}."


def open_item(workspace: Workspace, study_id: str, item: int, *, actor: Actor) -> datetime:
    """Note that the facts of the next case were shown to its reader; return when they first were."""
    task = _current(workspace, study_id, item, actor)
    earlier = reads.showing(workspace.store, study_id, item, "facts")
    if earlier is not None:
        return earlier.shown_at
    body = canonical_json({"facts": _plain(task), "instruction": task.instruction})
    return keep_showing(workspace, study_id, item, "facts", body, actor).shown_at


def _plain(task: Task) -> object:
    return None if task.facts is None else asdict(task.facts)


def _current(workspace: Workspace, study_id: str, item: int, actor: Actor) -> Task:
    """Return the task of a scheduled case if it is the one this reader is at; StudyError otherwise."""
    task = standing(workspace, study_id, actor=actor).task
    if task is None or task.item != item:
        raise Conflict("Not recorded: another case is next on your list. Look, then press again.")
    return task


def keep_showing(
    workspace: Workspace, study_id: str, item: int, stage: str, body: str, actor: Actor
) -> Showing:
    """Return the record that a stage was shown, making it once.

    Conflict if the case may not be read now: the study was locked meanwhile, or its washout made longer.
    """
    store, screen = workspace.store, text_digest(body)
    with store.transaction(actor) as transaction:
        earlier = reads.showing(store, study_id, item, stage)
        if earlier is not None:
            return earlier
        _current(workspace, study_id, item, actor)
        action = "study.shown" if stage == "model" else "study.opened"
        event = audit.append(store, action, f"study:{study_id}", {"item": item, "displayed": screen})
        shown = Showing(event.event_id, study_id, item, actor.account_id, stage, screen, transaction.now)
        reads.add_showing(store, shown, screen_body=body)
    return shown


def reveal_item(
    workspace: Workspace, study_id: str, item: int, *, actor: Actor, source: ModelSource | None = None
) -> Screen:
    """Show what the study shows of the model for the case a reader is at, and keep that it was shown.

    Raises NotCommitted before the own read of a blind-first case is stored, and for a case that is
    read alone: the answer is the same, so nothing tells them apart.
    """
    task = _current(workspace, study_id, item, actor)
    if task.modality is not Modality.AIDED:
        raise NotCommitted("The model's view is not shown before your own answer is stored.")
    output = lists.output(workspace.store, study_id, task.case_id)
    study = steps.study(workspace.store, study_id)
    if output is None or study.seals is None:
        raise StudyError(
            "The study has no output of the model for this case. Run `hitl-review audit verify`."
        )
    model = (source or stored_model(workspace.store))(study.seals.model)
    version = models.version(workspace.store, study.seals.model)
    screen = study_screen(workspace, cases.get(workspace.store, task.case_id), output, model, version)
    keep_showing(workspace, study_id, item, "model", screen.body, actor)
    return screen


def commit_study_read(
    workspace: Workspace,
    study_id: str,
    item: int,
    *,
    modality: Modality,
    label: str,
    rating: float,
    actor: Actor,
    token: str,
    seconds_active: float,
    seconds_on_screen: float,
    confidence: Confidence | None = None,
) -> StudyRead:
    """Store a reader's call and rating of the case that is next; it is made once and stays.

    The same token again returns what is stored. Raises Conflict when another case or read is next,
    NotCommitted when the screen it answers was not shown, TooQuick when nobody can have read it.
    """
    require(actor, Permission.READ_STUDY)
    workspace.project.label_words(label)
    store = workspace.store
    with store.transaction(actor) as transaction:
        earlier = reads.find(store, token)
        if earlier is not None:
            return _same_read(earlier, actor, study_id, item, modality)
        task = _current(workspace, study_id, item, actor)
        if task.modality is not modality:
            raise Conflict("Not recorded: this case waits for another answer now. Look, then press again.")
        check_dwell(workspace.project, seconds_on_screen)
        facts, model = (reads.showing(store, study_id, item, stage) for stage in ("facts", "model"))
        answered = model if modality is Modality.AIDED else facts
        if facts is None or answered is None:
            raise NotCommitted("Not recorded: the case was not on your screen yet. Look, then press again.")
        seals = steps.study(store, study_id).seals
        assert seals is not None
        read = StudyRead(
            read_id=check_token(token),
            study_id=study_id,
            item=item,
            reader=actor.account_id,
            case_id=task.case_id,
            modality=modality,
            label=label,
            rating=check_rating(rating),
            confidence=confidence,
            shown_at=facts.shown_at,
            revealed_at=None if modality is Modality.UNAIDED else answered.shown_at,
            committed_at=transaction.now,
            seconds_active=round(max(seconds_active, 0.0), 3),
            model=seals.model,
            displayed=answered.screen,
        )
        audit.append(store, "study.read", f"study:{study_id}", read_detail(read), event_id=token)
        reads.add(store, read)
    return read


def _same_read(earlier: StudyRead, actor: Actor, study_id: str, item: int, modality: Modality) -> StudyRead:
    found = (earlier.reader, earlier.study_id, earlier.item, earlier.modality)
    if found != (actor.account_id, study_id, item, modality):
        raise Conflict("This act's token was used for another read. Open the study again.")
    return earlier


def read_detail(read: StudyRead) -> dict[str, object]:
    """Return what the event of a study read tells, complete enough to read alone."""
    return {
        "item": read.item,
        "case": read.case_id,
        "modality": read.modality.value,
        "label": read.label,
        "rating": read.rating,
        "confidence": None if read.confidence is None else read.confidence.value,
        "shown_at": stamp(read.shown_at),
        "revealed_at": None if read.revealed_at is None else stamp(read.revealed_at),
        "seconds_active": read.seconds_active,
        "model": read.model,
        "displayed": read.displayed,
    }
