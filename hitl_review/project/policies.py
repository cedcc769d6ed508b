"""How cases are read, and when and how models are trained, retrained and let through the gate.

Every default is the clinically careful one, with the measurement behind it where there is one, so a
project file that leaves a whole table out is a sound project.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from hitl_review.project.table import Fault, Name, Number, Share, Switch, Table, Text, Whole, repeated


class ReviewPolicy(Table):
    """How a reader sees a case and what a decision must carry.

    Blind first is on: the reader's own estimate is stored before the model is shown. Where readers
    follow the model on half of the cases, this was the strongest and cheapest repair of the labels.
    """

    blind_first: Literal["on", "off", "share"] = "on"
    blind_share: Share = Field(default=1.0, description='used where blind_first is "share"')
    minimum_view_seconds: Number = Field(default=0.7, ge=0, le=60)
    lease_minutes: Whole = Field(default=15, ge=1, le=1440)
    comment_limit: Whole = Field(default=2000, ge=0, le=20_000)
    signature_meaning: Text = "review"
    signing: Literal["session", "window", "each"] = Field(
        default="session",
        description='"session", "window" or "each": when the password is asked for again to sign',
    )
    signing_window_minutes: Whole = Field(default=15, ge=1, le=720)


class AccessPolicy(Table):
    """How long somebody stays signed in, and how many wrong passwords lock an account or an address.

    Five tries in a quarter of an hour keep a guesser out and let a tired person type again. Where many
    people share one address, raise `tries_per_address`.
    """

    idle_minutes: Number = Field(default=15, gt=0, le=720)
    longest_hours: Number = Field(default=12, gt=0, le=24)
    tries: Whole = Field(default=5, ge=1, le=100)
    tries_per_address: Whole = Field(default=5, ge=1, le=10_000)
    lockout_minutes: Number = Field(default=15, gt=0, le=1440)


class TrainingPolicy(Table):
    """How a model is fitted. What is left out is chosen by the preset for the number of rows."""

    seed: Whole = Field(default=20251122, ge=0, lt=2**31)
    max_depth: Whole = Field(default=3, ge=1, le=3, description="a whole number from 1 to 3")
    monotone: Switch = Field(default=False, description="true to hold the model to each feature's direction")
    small_rows: Whole = Field(default=600, ge=0, description="below this many rows the small preset is used")
    calibration: Literal["auto", "none"] = "auto"
    conformal_error: Number = Field(default=0.10, gt=0, lt=0.5)


class RetrainingPolicy(Table):
    """What starts a challenger, and what evidence from decisions weighs beside a recorded outcome (1.0).

    An acceptance given after the model was seen may only echo it, so it weighs half by default.
    """

    minimum_new_labels: Whole = Field(default=200, ge=1)
    maximum_age_days: Whole = Field(default=90, ge=1)
    drift_alarm: Switch = Field(default=True, description="true to train a challenger when the inputs drift")
    seen_accept_weight: Share = 0.5
    tuning_trials: Whole = Field(
        default=0,
        ge=0,
        le=40,
        description="0 to 40 trials of a search for how hard to fit; 0 and 1 leave it to the presets",
    )


class GatePolicy(Table):
    """What a challenger must show on the locked hold-out before a person may promote it.

    Two hundred cases is where the gate stopped being a coin flip in trials; below, a person must sign.
    """

    auc_margin: Share = 0.02
    log_loss_z: Number = Field(default=1.645, ge=0, le=6)
    slope_low: Number = Field(default=0.8, gt=0)
    slope_high: Number = Field(default=1.25, gt=0)
    rate_margin: Share = 0.02
    subgroup_minimum: Whole = Field(default=30, ge=2)
    subgroup_margin: Share = 0.05
    minimum_cases: Whole = Field(default=200, ge=2)
    subgroups: tuple[Name, ...] = ()

    def contradictions(self) -> Iterator[Fault]:
        """The accepted calibration slopes must be a range around 1, and no subgroup is named twice."""
        if not self.slope_low < 1 < self.slope_high:
            found = [self.slope_low, self.slope_high]
            yield Fault("slope_low", found, "slope_low below 1 and slope_high above")
        for name in repeated(self.subgroups):
            yield Fault("subgroups", name, "each subgroup named once")
