"""What can't have happened, though the log and its rows agree: steps that the product takes in no such order.

Somebody who holds the file can add an event with its row in the name of somebody who may. What they add must
then fit everything that was there: a decision needs a screen that was shown before, a screen the estimate that
the project asks for, a promotion the gate report and the proposal of somebody else, a study's read its place.
Asked only of a log in which nothing else was found, because rows that were changed contradict others as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from hitl_review.domain.account import SYSTEM
from hitl_review.domain.audit import lines_digest, moment
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.protocol import AMENDABLE, Seals, read_document
from hitl_review.domain.signature import ProofMethod
from hitl_review.domain.verification import Problem
from hitl_review.errors import HitlError
from hitl_review.project import Project, parse_project
from hitl_review.store import samples, successions
from hitl_review.store.connection import Row, Store
from hitl_review.store.samples import Sample
from hitl_review.store.studies import lists, sealed
from hitl_review.store.successions import Asked
from hitl_review.workflow.deciding import reason_rules
from hitl_review.workflow.draws import misdrawn
from hitl_review.workflow.naming_checks import misnamed
from hitl_review.workflow.promotion import LEAST_STATEMENT
from hitl_review.workflow.review import is_blind
from hitl_review.workflow.sampling import lowest
from hitl_review.workflow.twins.studies import BATCHES as LAID_DOWN

KIND: Final = "impossible"
Found = Iterator[tuple[int | None, str]]
_PROOFS: Final[Mapping[str, tuple[str, ...]]] = {
    "session": tuple(each.value for each in ProofMethod),
    "window": tuple(each.value for each in ProofMethod if each is not ProofMethod.NONE),
    "each": (ProofMethod.PASSWORD.value, ProofMethod.DEMONSTRATION.value),
}
"""By the project's policy of signing, what may have proved who signed."""
_ODD: Final = (
    *(HitlError, TypeError, ValueError, LookupError),
    *(AttributeError, ArithmeticError, RecursionError),
)
"""What is raised on rows that hold what the product does not write, such as bytes in the place of a text."""


def impossible(store: Store, *, every: bool) -> Iterator[Problem]:
    """Yield what can't have happened, each with its event; `every` says that the clock was set back somewhere."""
    project = next((_read(row["text"]) for row in successions.projects(store)), None)
    yield from _told(successions.faults(store, _asked_by(project, every=every), every=every))
    yield from _told(_owed(store, project))
    yield from _told(misdrawn(store, project, every=every))
    for check in (_set_anew, _moves, _proposals, _samples, _studies, _washouts, misnamed):
        yield from _told(check(store))


def _told(found: Found) -> Iterator[Problem]:
    """Yield what a check finds; what no step of the product can have written is a finding too."""
    try:
        for seq, words in found:
            yield Problem(seq, KIND, words)
    except _ODD as error:
        yield Problem(None, KIND, f"a row holds what the product does not write ({type(error).__name__})")


def _read(text: str) -> Project | None:
    """Return a project; a later program may not read the file of an earlier one any more, nor anybody a damaged one."""
    try:
        return parse_project(text)
    except _ODD:
        return None


def _asked_by(project: Project | None, *, every: bool) -> Asked:
    """Return what a project says of labels, reasons and signatures."""
    if project is None:
        return Asked()
    target, review, rules = project.target, project.review, reason_rules(project)
    return Asked(
        target.positive.code,
        canonical_json([target.positive.code, target.negative.code]),
        canonical_json({each.code: str(each.training_effect) for each in project.reasons}),
        canonical_json([f"{answer} {rule.code}" for rule in rules for answer in sorted(rule.answers)]),
        canonical_json([rule.code for rule in rules if rule.needs_comment]),
        target.threshold,
        review.signature_meaning,
        canonical_json([*_PROOFS[review.signing]]),
        None if every or review.signing == "session" else review.signing_window_minutes,
    )


def _owed(store: Store, project: Project | None) -> Found:
    """Find views that were shown to one who owed an own estimate by the project, and gave none."""
    if project is None or project.review.blind_first == "off":
        return
    for event_id, case_id, reader in successions.without_estimate(store):
        if is_blind(project, case_id, reader):
            yield successions.place(store, event_id), successions.SHOWN_FIRST


def _set_anew(store: Store) -> Found:
    """Find projects that were set after the first one, as no step does: another project is another workspace."""
    for row in successions.projects(store)[1:]:
        yield row["seq"], "the project was set anew, which no step does once a workspace is made"


def _moves(store: Store) -> Found:
    """Find changes of the model in use that no gate, no proposal or no earlier use allowed."""
    gates, proposals = successions.gates(store), successions.proposals(store)
    used: list[str] = []
    present: str | None = None
    latest: str | None = None
    for number, move in enumerate(successions.moves(store)):
        seq, model = int(move["seq"]), move["model"]
        if (move["previous"], move["name"]) != (present, move["name_of_model"]) or (
            move["subject"] != f"model:{model or present}"
        ):
            yield seq, "it tells of another model than the one that was in use, or under another name"
        if move["move"] == "stopped":
            fits = model is None and present is not None and _is_said(move)
        elif model is None or model == present or move["trained"] is None or move["trained"] >= seq:
            fits = False
        elif move["move"] == "rolled_back":
            fits = model in used and _is_said(move)
        else:
            before = [gate for gate in gates if gate["seq"] < seq]
            fits = number == 0 or _was_allowed(move, latest, before, proposals)
        if not fits:
            yield seq, f"the model was {move['move'].replace('_', ' ')}, which nothing before it allowed"
        present = model
        if model is not None:
            used.append(model)
            latest = model


def _is_said(move: Row) -> bool:
    return len(move["statement"]) >= LEAST_STATEMENT


def _was_allowed(move: Row, champion: str | None, gates: list[Row], proposals: list[Row]) -> bool:
    """Tell whether a successor had its gate report against the model in use, and somebody else's proposal."""
    gate = _latest_gate(gates, move["model"], champion)
    proposal = _latest_answer(proposals, move["model"], move["seq"])
    return (
        gate is not None
        and proposal is not None
        and (gate["event_id"], gate["protocol"]) == (move["gate"], move["protocol"])
        and (gate["verdict"] == "passed" or (gate["verdict"] == "undecided" and _is_said(move)))
        and proposal["answer"] == "proposed"
        and move["by"] not in (proposal["by"], SYSTEM.account_id)
    )


def _latest_gate(gates: list[Row], challenger: str, champion: str | None) -> Row | None:
    found = [gate for gate in gates if (gate["challenger"], gate["champion"]) == (challenger, champion)]
    return found[-1] if found else None


def _latest_answer(proposals: list[Row], model: str, before: int) -> Row | None:
    found = [each for each in proposals if each["model"] == model and each["seq"] < before]
    return found[-1] if found else None


def _proposals(store: Store) -> Found:
    """Find answers about a challenger that rest on no gate report, or decline what nobody proposed."""
    gates = {gate["event_id"]: gate for gate in successions.gates(store)}
    everything = successions.proposals(store)
    for each in everything:
        gate = gates.get(each["gate"])
        if gate is None or gate["seq"] >= each["seq"] or gate["challenger"] != each["model"]:
            yield each["seq"], "an answer about a model that rests on no gate report of it"
        elif each["verdict"] != gate["verdict"]:
            yield each["seq"], "it tells of another verdict than the gate report it rests on"
        elif each["answer"] == "proposed":
            if gate["verdict"] == "failed":
                yield each["seq"], "a model was proposed that the gate refused"
        elif _declines_nothing(each, everything):
            yield each["seq"], "a model was declined that was not proposed"


def _declines_nothing(answer: Row, proposals: list[Row]) -> bool:
    last = _latest_answer(proposals, answer["model"], answer["seq"])
    return last is None or last["answer"] != "proposed"


def _samples(store: Store) -> Found:
    """Find samples that their seed does not draw."""
    for sample_id in successions.drawn(store):
        sample, seq = samples.find(store, sample_id), successions.place(store, sample_id)
        assert sample is not None
        ids = samples.decision_ids(store, upto=sample.upto)
        drawn = lowest(sample.seed, ids, len(sample.decisions))
        if (len(ids), drawn) != (sample.of, sample.decisions) or not drawn or not _is_of_all(sample, seq):
            yield seq, "its seed does not draw the decisions that it tells of"


def _is_of_all(sample: Sample, seq: int | None) -> bool:
    """Tell whether a sample was drawn from the whole log before it; that a clock went back is told in between."""
    return seq is not None and seq - 2 <= sample.upto < seq


_FOLLOWS: Final[Mapping[str, tuple[str, ...]]] = {
    "drafted": ("", "drafted"),
    "frozen": ("drafted",),
    "started": ("frozen",),
    "locked": ("started",),
    "unsealed": ("locked",),
    "reported": ("unsealed", "reported"),
}
"""Which step of a study each step follows; an amendment is no step onward, and stands between freeze and lock."""


def _studies(store: Store) -> Found:
    """Find steps of studies out of their order, and lists, outputs or truth that the frozen protocol does not name."""
    state: dict[str, str] = {}
    fixed: dict[str, object] = {}
    for step in successions.steps(store):
        study, kind, last = step["study_id"], step["kind"], state.get(step["study_id"], "")
        if last not in (("frozen", "started") if kind == "amended" else _FOLLOWS[kind]):
            yield step["seq"], "a study took this step out of its order"
        if kind != "amended":
            state[study] = kind
        if kind in ("frozen", "amended") and not (
            _is_sealed(store, study, step)
            and fixed.setdefault(study, _laid_down_by(step)) == _laid_down_by(step)
        ):
            yield step["seq"], "what was laid down for a study is not what its protocol names"
    yield from _laid_down(store)


def _is_sealed(store: Store, study: str, step: Row) -> bool:
    """Tell whether lists, outputs and truth are those that the protocol names by their digests."""
    try:
        seals = read_document(step["document"])[1]
    except (HitlError, AttributeError, TypeError, KeyError, ValueError):
        return False
    hidden = sealed.all_sealed(store, study)
    return (
        seals is not None
        and all(each.holds for each in hidden)
        and seals.truth == sealed.commitments_digest(hidden)
        and seals.outputs == _digest_of(lists.outputs(store, study).values(), study, lists.output_line)
        and seals.schedule == _digest_of(lists.schedule(store, study), study, lists.schedule_line)
        and _is_read_with(store, study, seals)
    )


def _laid_down_by(step: Row) -> object:
    """Return what no amendment of a study's protocol changes."""
    protocol = asdict(read_document(step["document"])[0])
    return {name: value for name, value in protocol.items() if name not in AMENDABLE}


def _digest_of(items: Any, study: str, line: Callable[[str, Any], object]) -> str:
    return lines_digest([line(study, each) for each in items])


def _is_read_with(store: Store, study: str, seals: Seals) -> bool:
    """Tell whether every read of a study names the model that was sealed."""
    return not successions.names_another_model(store, study, seals.model)


def _laid_down(store: Store) -> Found:
    """Find what was laid down for a study after it was frozen."""
    frozen = {step["study_id"]: step["seq"] for step in successions.steps(store) if step["kind"] == "frozen"}
    for laid in LAID_DOWN:
        for study, seq in successions.laid_down(store, laid.table).items():
            if seq >= frozen.get(study, 0):
                yield seq, "something was laid down for a study that was frozen already, or never"


def _washouts(store: Store) -> Found:
    """Find cases that a reader saw again before the washout was over, by the protocol in force then."""
    protocols = [step for step in successions.steps(store) if step["kind"] in ("frozen", "amended")]
    waived = successions.waived(store)
    days: dict[int, int] = {}
    for row in successions.seen_again(store):
        seq, study = row["seq"], row["study_id"]
        if waived.get((study, row["reader"]), seq) < seq:
            continue
        step = [each for each in protocols if each["study_id"] == study and each["seq"] < seq][-1]
        if step["seq"] not in days:
            days[step["seq"]] = read_document(step["document"])[0].washout_days
        if moment(row["shown_at"]) < moment(row["read_at"]) + timedelta(days=days[step["seq"]]):
            yield seq, "a case was shown again before the washout was over, which nobody waived"
