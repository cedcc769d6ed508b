"""One cell: the value its text stands for, or why it stands for none.

Strict on purpose. A reader that turns "7,4" into 74, 98.6 °F into a fever or -999 into a sodium
puts a wrong number before a clinician; one that says what it found costs a minute of the sender's.
Every judge returns a value and no fault, or None and the fault. An empty cell is None without fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hitl_review.domain.case import Value
from hitl_review.project import Feature, Project

Judged = tuple[Value, str | None]
Judge = Callable[[str], Judged]

MISSING_WORDS: Final = frozenset({"", "na", "n/a", "null", "none", "nan", "-", "."})
"""What people and programs write where nothing was measured, in any case. Never 0, never -999."""
NUMBER: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
CASE_ID: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
LEVELS_TOLD: Final = 20

_NUMBER = re.compile(NUMBER)
_CASE_ID = re.compile(CASE_ID)
_FLAGS: Final = {"1": 1.0, "1.0": 1.0, "yes": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "no": 0.0, "false": 0.0}
_MISSING_CODES: Final = frozenset({-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0})

_NOT_NUMBERS: Final = (
    (r"[+-]?inf(inity)?", "is infinite, which nothing measured is: leave the cell empty"),
    (r"[+-]?[0-9]+([ '’\u00a0\u2009\u202f][0-9]{3})+([.,][0-9]+)?", "has marks in thousands: leave them out"),
    (r"[+-]?[0-9.]*,[0-9.,]*", "has a comma: write decimals with a point and no marks between thousands"),
    (r"[<>≤≥~≈].*", "is a bound, not a number: write the measured value, or leave the cell empty"),
    (r"[−–—].*", "begins with a dash that is no minus sign: write a plain hyphen"),
    (r"#.*", "is an error of a spreadsheet: mend it there"),
)
"""What is often found in a column of numbers, and what to say of it."""
_WITH_UNIT: Final = re.compile(rf"(?:{NUMBER})\s*(?:[^\W\d_]|[%°µ]).*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A usual slip of the unit: how it is undone, in words and in numbers, and for which units."""

    words: str
    scale: float
    offset: float = 0.0
    units: tuple[str, ...] = ()

    def undone(self, number: float) -> float:
        """Return the number in the project's unit, had it been given in the other one."""
        return (number - self.offset) * self.scale

    def concerns(self, unit: str) -> bool:
        """Tell whether a feature of this unit may have met the slip."""
        return not self.units or any(each in unit.casefold() for each in self.units)


CONVERSIONS: Final = (
    Conversion("From °F to °C", 1 / 1.8, 32.0, ("°c", "celsius", "degc")),
    Conversion("From °C to °F", 1.8, -32 / 1.8, ("°f", "fahrenheit", "degf")),
    Conversion("Divided by 88.4 (µmol/L to mg/dL of creatinine)", 1 / 88.4, units=("mg/dl",)),
    Conversion("Times 88.4 (mg/dL to µmol/L of creatinine)", 88.4, units=("mol/l",)),
    Conversion("Divided by 18 (mg/dL to mmol/L of glucose)", 1 / 18, units=("mol/l",)),
    Conversion("Times 18 (mmol/L to mg/dL of glucose)", 18.0, units=("mg/dl",)),
    Conversion("Divided by 17.1 (µmol/L to mg/dL of bilirubin)", 1 / 17.1, units=("mg/dl",)),
    Conversion("Times 17.1 (mg/dL to µmol/L of bilirubin)", 17.1, units=("mol/l",)),
    Conversion("Times 7.5 (kPa to mmHg)", 7.50062, units=("mmhg",)),
    Conversion("Divided by 7.5 (mmHg to kPa)", 1 / 7.50062, units=("kpa",)),
    Conversion("Divided by 10", 0.1),
    Conversion("Times 10", 10.0),
    Conversion("Divided by 1000", 0.001),
    Conversion("Times 1000", 1000.0),
)


def judge_for(feature: Feature) -> Judge:
    """Return the judge of a feature's cells."""
    judge = {"number": judge_number, "flag": judge_flag, "category": judge_category}[feature.kind]
    return lambda text: judge(feature, text)


def judge_number(feature: Feature, text: str) -> Judged:
    """Return the number that a text is, if it is one that a living patient can have."""
    if text.casefold() in MISSING_WORDS:
        return None, None
    if not _NUMBER.fullmatch(text):
        return None, _why_no_number(feature, text)
    number = float(text) + 0.0  # -0.0 becomes 0.0
    fault = _implausible(feature, number)
    return (number, None) if fault is None else (None, fault)


def _why_no_number(feature: Feature, text: str) -> str:
    for pattern, words in _NOT_NUMBERS:
        if re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL):
            return words
    if _WITH_UNIT.fullmatch(text):
        unit = f", in {feature.unit}" if feature.unit else ""
        return f"has a unit or a word behind the number: write the number alone{unit}"
    return "is not a number"


def _implausible(feature: Feature, number: float) -> str | None:
    if not math.isfinite(number):
        return "is too large to be a number"
    if is_plausible(feature, number):
        return None
    unit = f" {feature.unit}" if feature.unit else ""
    low, high = feature.plausible_low or 0.0, feature.plausible_high or 0.0
    return f"is outside the plausible range {low:.15g} to {high:.15g}{unit}{_guess(feature, number)}"


def is_plausible(feature: Feature, number: float) -> bool:
    """Tell whether a number lies in the feature's plausible range, whose bounds belong to it."""
    low, high = plausible_range(feature)
    return low <= number <= high


def plausible_range(feature: Feature) -> tuple[float, float]:
    """Return the feature's plausible range; a bound that is not given is infinite."""
    low = -math.inf if feature.plausible_low is None else feature.plausible_low
    high = math.inf if feature.plausible_high is None else feature.plausible_high
    return low, high


def _guess(feature: Feature, number: float) -> str:
    """Return what may have gone wrong: a code for "missing", or another unit."""
    if number in _MISSING_CODES:
        return ": is it a code for a missing value? Leave the cell empty"
    fitting = [each for each in CONVERSIONS if _mends(each, feature, number)]
    if not fitting:
        return ""
    best = max(fitting, key=lambda each: _is_usual(feature, each.undone(number)))
    unit = f" {feature.unit}" if feature.unit else ""
    return f": is it in another unit? {best.words} it would be {best.undone(number):.4g}{unit}"


def _mends(conversion: Conversion, feature: Feature, number: float) -> bool:
    return conversion.concerns(feature.unit) and is_plausible(feature, conversion.undone(number))


def _is_usual(feature: Feature, number: float) -> bool:
    low = -math.inf if feature.reference_low is None else feature.reference_low
    high = math.inf if feature.reference_high is None else feature.reference_high
    return low <= number <= high


def judge_flag(feature: Feature, text: str) -> Judged:
    """Return 1.0 or 0.0 for the words of yes and no."""
    folded = text.casefold()
    if folded in _FLAGS:
        return _FLAGS[folded], None
    if folded in MISSING_WORDS:
        return None, None
    return None, "is no flag: write 1 or 0, yes or no, true or false"


def judge_category(feature: Feature, text: str) -> Judged:
    """Return the level that a text is; where a level is called "none" or "-", that is no missing value."""
    codes = feature.level_codes
    if text in codes:
        return text, None
    alike = [code for code in codes if code.casefold() == text.casefold()]
    if alike:
        return None, f"is no level of {feature.label}: write '{alike[0]}'"
    if text.casefold() in MISSING_WORDS:
        return None, None
    more = f" and {len(codes) - LEVELS_TOLD} more" if len(codes) > LEVELS_TOLD else ""
    return None, f"is no level of {feature.label}, which has {', '.join(codes[:LEVELS_TOLD])}{more}"


def judge_outcome(project: Project, text: str) -> Judged:
    """Return 1.0 for the target's positive answer and 0.0 for the negative one, as number, word or code."""
    target = project.target
    codes = {target.positive.code: 1.0, target.negative.code: 0.0}
    folded = text.casefold()
    if folded in codes:
        return codes[folded], None
    if folded in _FLAGS and folded not in ("yes", "no"):  # the yes of which question?
        return _FLAGS[folded], None
    if folded in MISSING_WORDS:
        return None, None
    words = f"1 or {target.positive.code}, 0 or {target.negative.code}"
    return None, f"is no outcome: write {words}; leave the cell empty if it is not known yet"


def judge_case_id(text: str) -> Judged:
    """Return a case id if it can be opaque: names, dates with slashes and addresses do not pass."""
    if _CASE_ID.fullmatch(text):
        return text, None
    if not text:
        return None, "is empty: every case needs an id"
    return None, (
        "is no opaque id: use 1 to 64 letters, digits, hyphens, underscores and points, a letter or digit "
        "first. Names and addresses don't belong here"
    )
