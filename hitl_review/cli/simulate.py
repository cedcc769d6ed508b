"""What n reviews would buy, on one's own labelled table: `hitl-review simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hitl_review.cli.arguments import json_option
from hitl_review.cli.showing import print_json, steps_bar, tell

if TYPE_CHECKING:
    from hitl_review.model.simulating.curves import Band, Curve, Plan, Simulation

_TABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
_EXAMPLE = "\b\nExample:\n  hitl-review simulate history.csv --project project.toml --accuracy 0.9"


@click.command("simulate", epilog=_EXAMPLE)
@click.argument("file", type=_TABLE)
@click.option("--project", required=True, type=_TABLE, help="The project.toml of these cases.")
@click.option("--outcomes", type=_TABLE, help="Their outcomes, where they lie in a file of their own.")
@click.option("--readers", type=_TABLE, help="Real people's estimates, replayed in place of made-up readers.")
@click.option(
    "--readers-column",
    default="probability",
    show_default=True,
    help="Its column: the estimated probability of the positive answer.",
)
@click.option("--start", default=200, show_default=True, help="Outcomes the first model learns from.")
@click.option("--reviews", default=500, show_default=True, help="Cases that are read.")
@click.option("--step", default=100, show_default=True, help="Reads between two trainings.")
@click.option("--seeds", default=5, show_default=True, help="Repetitions, each with another division.")
@click.option("--seed", default=0, show_default=True, help="The first repetition's seed.")
@click.option("--accuracy", default=0.9, show_default=True, help="Share of own calls that are right.")
@click.option(
    "--follow",
    default=0.0,
    show_default=True,
    help="How often a call follows the model where it is seen first.",
)
@click.option(
    "--blind", type=float, help="Share of cases read before the model is seen; the project's if left out."
)
@click.option(
    "--errors",
    type=click.Choice(["careless", "hard"]),
    default="careless",
    show_default=True,
    help="Errors on any case alike, or on the hard ones.",
)
@json_option
def simulate(file: Path, project: Path, as_json: bool, **asked: Any) -> None:
    """Play the loop on labelled cases: what would n reviews buy?

    FILE holds the project's features and the outcome. Six lines are drawn, each with its band over the
    repetitions: never retrained, random order, this product's policy, overrides only, self-training, and the
    ceiling of all outcomes. With --readers real people's estimates are replayed.
    """
    from hitl_review.workflow.simulating import read_labelled, simulated

    labelled = read_labelled(
        file,
        project,
        outcomes=asked["outcomes"],
        readers=asked["readers"],
        readers_column=asked["readers_column"],
    )
    with steps_bar(hidden=as_json) as progress:
        found, told = simulated(labelled, _plan(project, asked), progress=progress)
    if as_json:
        print_json(told)
        return
    for line in _lines(found):
        tell(line)


def _plan(project: Path, asked: dict[str, Any]) -> Plan:
    from hitl_review.domain.label import LabelWeights
    from hitl_review.model.simulating.curves import Plan
    from hitl_review.model.simulating.readers import Errors, Skill
    from hitl_review.project import read_project

    policies = read_project(project)
    review = policies.review
    usual = {"on": 1.0, "off": 0.0, "share": review.blind_share}[review.blind_first]
    blind = usual if asked["blind"] is None else asked["blind"]
    skill = Skill(asked["accuracy"], asked["follow"], blind, Errors(asked["errors"]))
    counts = {name: asked[name] for name in ("start", "reviews", "step", "seeds", "seed")}
    weights = LabelWeights(seen_acceptance=policies.retraining.seen_accept_weight)
    return Plan(**counts, skill=skill, weights=weights)


def _lines(found: Simulation) -> list[str]:
    """The curves as a table, one row per line, one column per number of reads; then the sentence."""
    reads = [band.reads for band in found.curves[0].auc]
    head = f"{'AUC after reads':<18}" + "".join(f"{count:>8,}" for count in reads) + f"{'gap closed':>12}"
    rows = [_row(curve) for curve in found.curves]
    ahead = f"Ahead of random order at {reads[-1]:,} reads: {_span(found.better_than_random)}."
    note = "Gap: from the frozen line to the ceiling. Bands over repetitions are in the --json form."
    return [head, *rows, "", ahead, note, "", found.sentence]


def _row(curve: Curve) -> str:
    points = "".join(f"{band.mean:>8.3f}" for band in curve.auc)
    closed = "" if curve.gap_closed is None else f"{curve.gap_closed:.0%}"
    return f"{curve.line.value.replace('_', ' '):<18}{points}{closed:>12}"


def _span(band: Band) -> str:
    span = "" if band.low is None else f" ({band.low:+.4f} to {band.high:+.4f})"
    return f"AUC {band.mean:+.4f}{span}"
