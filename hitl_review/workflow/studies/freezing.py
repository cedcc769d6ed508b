"""A study is frozen: protocol, outputs, lists and sealed truth are laid down in one transaction.

From here on nothing of it changes unseen: the protocol's digest names the digests of all the rest. The
truth that balances the lists is read here, and sealed here; who leads the study does not see it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Case
from hitl_review.domain.protocol import Protocol, Seals, check_protocol, document_of
from hitl_review.domain.study import Output, ScheduledRead, State, Study
from hitl_review.errors import Conflict, StudyError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.store import accounts, audit, cases, models, reviews
from hitl_review.store.studies import lists, sealed, steps
from hitl_review.workflow.scoring import ModelSource, ensure_prediction, stored_model
from hitl_review.workflow.studies.drafting import STUDY_PURPOSES
from hitl_review.workflow.studies.scheduling import Strata, draw, lay_out
from hitl_review.workflow.studies.showing import as_it_is, turned_round
from hitl_review.workflow.studies.stepping import in_state, lead, take
from hitl_review.workflow.workspace import Workspace


def freeze_study(
    workspace: Workspace,
    study_id: str,
    *,
    actor: Actor,
    truth: Mapping[str, bool] | None = None,
    source: ModelSource | None = None,
) -> Study:
    """Freeze a draft with the champion's outputs and the truth of its cases; return the frozen study.

    Truth comes from the outcomes in the workspace, or from `truth` (an imported reference standard).
    Raises StudyError where a case, a reader or the truth of a case is missing, or a reader has seen
    what the model says of a case already.
    """
    lead(actor)
    draft = in_state(workspace, study_id, State.DRAFT)
    protocol = replace(check_protocol(draft.protocol), threshold=workspace.project.target.threshold)
    _check_readers(workspace, protocol)
    chosen = _checked_cases(workspace, protocol)
    known = _truth(workspace, protocol, truth)
    version = models.champion(workspace.store)
    model = (source or stored_model(workspace.store))(version.digest)
    said = {
        case.case_id: as_it_is(ensure_prediction(workspace, case, version.digest, model, actor))
        for case in chosen.values()
    }
    outputs = _with_wrong(workspace, protocol, model, chosen, said, known)
    items = lay_out(protocol, strata_of(protocol, known, said), labels=_labels(workspace))

    def still_fits() -> None:
        if steps.study(workspace.store, study_id).protocol != draft.protocol:
            raise Conflict(f"The draft of study '{study_id}' was changed meanwhile, so nothing was frozen. Look again.")
        if models.champion(workspace.store).digest != version.digest:
            raise Conflict("The model was changed while its outputs were made, so nothing was frozen. Freeze it again.")
        _check_readers(workspace, protocol)
        _checked_cases(workspace, protocol)

    lay_down(
        *(workspace, study_id, protocol, version.digest, outputs, items, known),
        actor=actor,
        still_fits=still_fits,
    )
    return steps.study(workspace.store, study_id)


def lay_down(
    workspace: Workspace,
    study_id: str,
    protocol: Protocol,
    model: str,
    outputs: Sequence[Output],
    items: Sequence[ScheduledRead],
    truth: Mapping[str, bool],
    *,
    actor: Actor,
    still_fits: Callable[[], None] = lambda: None,
) -> None:
    """Keep outputs, lists, sealed truth and the frozen protocol, each with its event, in one transaction.

    `still_fits` is asked in it first: a reader may have seen the model's view of a case while outputs were made.
    """
    store, subject = workspace.store, f"study:{study_id}"
    hidden = sealed.sealed_under(truth, [secrets.token_hex(32) for _ in truth])
    output_lines = [lists.output_line(study_id, each) for each in outputs]
    item_lines = [lists.schedule_line(study_id, each) for each in items]
    with store.transaction(actor) as transaction:
        in_state(workspace, study_id, State.DRAFT)
        still_fits()
        event = audit.append(store, "study.outputs_fixed", subject, _batch(output_lines))
        lists.fix_outputs(store, study_id, outputs, event_id=event.event_id)
        event = audit.append(store, "study.scheduled", subject, _batch(item_lines))
        lists.lay(store, study_id, items, event_id=event.event_id)
        truth_lines = [sealed.sealed_line(study_id, each) for each in hidden]
        event = audit.append(store, "study.sealed", subject, _batch(truth_lines))
        sealed.seal(store, study_id, hidden, event_id=event.event_id)
        seals = Seals(
            model,
            workspace.project_digest,
            lines_digest(output_lines),
            lines_digest(item_lines),
            sealed.commitments_digest(hidden),
        )
        document = document_of(protocol, seals)
        take(workspace, study_id, "frozen", actor=actor, now=transaction.now, document=document)


def _batch(lines: Sequence[object]) -> dict[str, object]:
    return {"count": len(lines), "digest": lines_digest(lines)}


def _labels(workspace: Workspace) -> tuple[str, str]:
    target = workspace.project.target
    return target.positive.code, target.negative.code


def strata_of(protocol: Protocol, truth: Mapping[str, bool], said: Mapping[str, Output]) -> Strata:
    """Return the stratum of each study case: its truth, and whether the model is nearer than usual to its threshold."""
    distance = {case: abs(said[case].probability - protocol.threshold) for case in protocol.cases}
    middle = median(distance.values())
    return {case: (truth[case], distance[case] < middle) for case in protocol.cases}


def _check_readers(workspace: Workspace, protocol: Protocol) -> None:
    roles = {each.account_id: each.role for each in accounts.everyone(workspace.store) if each.enabled}
    for reader in protocol.readers:
        if reader not in roles or not may(roles[reader], Permission.READ_STUDY):
            found = f"has the role {roles[reader].words}" if reader in roles else "has no account in use"
            raise StudyError(
                f"'{reader}' can't read in the study: it {found}. Name accounts with the role reader."
            )


def _checked_cases(workspace: Workspace, protocol: Protocol) -> dict[str, Case]:
    """Return all cases of the protocol; StudyError where one can't be part of a study."""
    known = cases.known_ids(workspace.store)
    wanted = (*protocol.cases, *protocol.training_cases)
    if missing := [case for case in wanted if case not in known]:
        raise StudyError(
            f"{len(missing)} cases of the protocol are not in the workspace, such as '{missing[0]}'. Import them first."
        )
    found = {case: cases.get(workspace.store, case) for case in wanted}
    for case in found.values():
        _check_case(workspace, protocol, case)
    return found


def _check_case(workspace: Workspace, protocol: Protocol, case: Case) -> None:
    if case.purpose not in STUDY_PURPOSES:
        raise StudyError(
            f"'{case.case_id}' is a training case: the model knows its outcome. Take hold-out or queue cases."
        )
    if broken := workspace.project.violated_rules(case.snapshot.values):
        raise StudyError(
            f"The model may not be asked about '{case.case_id}': {broken[0].words} does not hold. Leave it out."
        )
    for reader in protocol.readers:
        if lists.studies_showing(workspace.store, case.case_id, reader):
            raise StudyError(
                f"'{reader}' reads '{case.case_id}' in another study that is not locked. Lock that one first."
            )
        if reviews.latest_reveal(workspace.store, case.case_id, reader) is not None:
            raise StudyError(
                f"'{reader}' has seen what the model says of '{case.case_id}'. Leave out the case or the reader."
            )


def _truth(workspace: Workspace, protocol: Protocol, given: Mapping[str, bool] | None) -> dict[str, bool]:
    known = given
    if known is None:
        known = {
            case: value
            for purpose in STUDY_PURPOSES
            for case, value in cases.outcomes(workspace.store, purpose).items()
        }
    if missing := [case for case in protocol.cases if case not in known]:
        raise StudyError(
            f"The truth of {len(missing)} study cases is not known, such as '{missing[0]}'. Import their outcomes, or "
            "give a file with the truth of every case."
        )
    truth = {case: known[case] for case in protocol.cases}
    if len(set(truth.values())) < 2:
        raise StudyError(
            "All study cases have the same truth, so nothing can be compared. Choose cases of both kinds."
        )
    return truth


def _with_wrong(
    workspace: Workspace,
    protocol: Protocol,
    model: TrainedModel,
    chosen: Mapping[str, Case],
    said: Mapping[str, Output],
    truth: Mapping[str, bool],
) -> list[Output]:
    """Return the outputs with some right ones turned round, as many as the protocol asks for, of both classes."""
    if protocol.wrong_ai_cases == 0:
        return list(said.values())
    positive = workspace.project.target.positive.code
    turned: dict[bool, list[Output]] = {True: [], False: []}
    for case in sorted(truth, key=lambda case: draw(protocol.seed, "wrong", case)):
        if (said[case].label == positive) is truth[case]:
            other = turned_round(workspace.project, model, chosen[case], said[case])
            if other.label != said[case].label:
                turned[truth[case]].append(other)
    taken = _of_both(turned, protocol.wrong_ai_cases)
    return [taken.get(case, output) for case, output in said.items()]


def _of_both(turned: Mapping[bool, Sequence[Output]], count: int) -> dict[str, Output]:
    positives = min(max((count + 1) // 2, count - len(turned[False])), len(turned[True]))
    taken = [*turned[True][:positives], *turned[False][: count - positives]]
    if len(taken) < count:
        raise StudyError(
            f"{count} cases with a wrong output were asked for, and {len(taken)} can be made believable. Ask for fewer."
        )
    return {each.case_id: each for each in taken}
