"""Where the report answers the items of STARD-AI, DECIDE-AI and CONSORT-AI, in our own words.

Each item names the section that answers it, or why none does. A section that has nothing recorded does not
answer: the map is made from the report, not from good will.

STARD-AI (2025) is given in the order and with the numbers of STARD 2015; what it adds is marked "AI".
DECIDE-AI (2022) has items 1 to 17 and I to X, CONSORT-AI (2020) fourteen additions to CONSORT's items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ELSEWHERE = "it is for the paper that cites this report"
NOT_A_TRIAL = "this is a laboratory study of reading, in which no patient is treated by its result"
NO_PATIENTS_IN_STUDY = "cases are past patients; how they were found is told with the data set"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a checklist: its number, what it asks, and the section that answers or why none does."""

    number: str
    asks: str
    section: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """A reporting guideline with its items."""

    name: str
    source: str
    items: tuple[Item, ...]


STARD_AI = Checklist(
    "STARD-AI",
    "Sounderajah et al., Nature Medicine 2025; numbers of STARD 2015 (Bossuyt et al., BMJ 2015;351:h5527)",
    (
        Item("1", "title or abstract says that accuracy was studied, and by which measure", "summary"),
        Item("2", "structured abstract", "summary"),
        Item("3", "background, intended use and role of the test", "use"),
        Item("4", "objectives and hypotheses", "endpoints"),
        Item("5", "whether data were collected before or after the test was planned", "design"),
        Item("6", "who could be included", "reference", ""),
        Item("7", "how eligible patients were found", because=NO_PATIENTS_IN_STUDY),
        Item("8", "where and when they were found", because=NO_PATIENTS_IN_STUDY),
        Item("9", "consecutive, random or chosen series", "design"),
        Item("AI", "source of the data, how they were prepared and divided into parts", "model"),
        Item("10a", "the index test in enough detail", "model"),
        Item("AI", "version of the algorithm, and how its output is shown and used", "model"),
        Item("10b", "the reference standard in enough detail", "reference"),
        Item("11", "why this reference standard", "reference"),
        Item("12a", "cut-offs of the test, fixed before or explored", "endpoints"),
        Item("12b", "cut-offs of the reference standard", "reference"),
        Item("13a", "what those who read knew of truth and clinic", "blinding"),
        Item("13b", "what those who set the reference standard knew of the test", "reference"),
        Item("14", "how accuracy was estimated and compared", "primary"),
        Item("15", "what was done with indeterminate results", "design"),
        Item("16", "what was done with missing data", "design"),
        Item("17", "variability of accuracy, planned or explored", "subgroups"),
        Item("AI", "error analysis, bias and fairness between groups", "subgroups"),
        Item("18", "intended sample size and how it was found", "size"),
        Item("19", "flow of participants, as a diagram", "design"),
        Item("20", "characteristics of participants at the start", because=NO_PATIENTS_IN_STUDY),
        Item("21a", "how severe the disease was", because=NO_PATIENTS_IN_STUDY),
        Item("21b", "other diagnoses among those without it", because=NO_PATIENTS_IN_STUDY),
        Item("22", "time and treatment between test and reference standard", "reference"),
        Item("23", "results of the test against the reference standard", "rates"),
        Item("24", "accuracy with its precision", "primary"),
        Item("25", "harm done by test or reference standard", "flips"),
        Item("26", "limits: bias, uncertainty, transfer to other places", "limits"),
        Item("27", "what follows for practice", because=ELSEWHERE),
        Item("28", "registration", because=ELSEWHERE),
        Item("29", "where the protocol can be read", "endpoints"),
        Item("30", "who paid, and what part they had", because=ELSEWHERE),
        Item("AI", "whether code and data can be had", "appendix"),
    ),
)

DECIDE_AI = Checklist(
    "DECIDE-AI",
    "Vasey et al., BMJ 2022;377:e070904",
    (
        Item("1", "title: early evaluation of decision support by AI, and for which problem", "summary"),
        Item("I", "structured abstract", "summary"),
        Item("2a", "condition, current practice, intended patients", "use"),
        Item("2b", "intended users, place in care, hoped-for effect", "use"),
        Item("II", "objectives", "endpoints"),
        Item("III", "protocol, registration, ethics approval", because=ELSEWHERE),
        Item("3a", "how patients were chosen, and how many", "design"),
        Item("3b", "how users were recruited, and how many", "readers"),
        Item("3c", "how users were made familiar with the system", "design"),
        Item("4a", "the system: version, kind of algorithm, training data, performance so far", "model"),
        Item("4b", "input data, how they are had, and what happens where they lack", "model"),
        Item("4c", "output, and how it is shown", "model"),
        Item("5a", "where the system was evaluated", "design"),
        Item("5b", "workflow: when the system is used and who decides", "design"),
        Item("IV", "primary and secondary outcomes", "endpoints"),
        Item("6a", "how errors and failures were defined and found", "flips"),
        Item("6b", "how risks and harm were found and kept small", because=NOT_A_TRIAL),
        Item("7", "methods of human factors", "reliance"),
        Item("V", "analysis, with missing data and subgroups", "sensitivity"),
        Item("8", "ethics: fairness and how it was looked at", "subgroups"),
        Item("VI", "part that patients had", because=ELSEWHERE),
        Item("9a", "characteristics of patients, with data that lacked", because=NO_PATIENTS_IN_STUDY),
        Item("9b", "characteristics of users", "readers"),
        Item("10a", "how much users were exposed to the system and kept to its intended use", "design"),
        Item("10b", "changes of workflow that it caused", because=NOT_A_TRIAL),
        Item("VII", "main results", "primary"),
        Item("VIII", "subgroups", "subgroups"),
        Item("11", "changes of the system during the study", "endpoints"),
        Item("12", "agreement of users and system, with changes of mind", "reliance"),
        Item("13a", "errors and failures, case by case", "flips"),
        Item("13b", "risks and harm observed", because=NOT_A_TRIAL),
        Item("14a", "usability", "time"),
        Item("14b", "learning curves of users", "time"),
        Item("15", "whether results support the intended use", "limits"),
        Item("16", "what results say of safety", "limits"),
        Item("IX", "strengths and limits", "limits"),
        Item("X", "conflicts of interest", because=ELSEWHERE),
        Item("17", "whether data and code can be had", "appendix"),
    ),
)

CONSORT_AI = Checklist(
    "CONSORT-AI",
    "Liu et al., Nature Medicine 2020;26:1364; for trials, of which this is none: read as a list of what to tell",
    (
        Item("1a,b (i)", "title or abstract says that AI is part, and of what kind", "summary"),
        Item("1a,b (ii)", "intended use in title or abstract", "summary"),
        Item("2a (i)", "intended use in the pathway, purpose and users", "use"),
        Item("4a (i)", "inclusion and exclusion of participants", "design"),
        Item("4a (ii)", "inclusion and exclusion of input data", "model"),
        Item("4b", "how the system was put into the setting", "design"),
        Item("5 (i)", "version of the algorithm", "model"),
        Item("5 (ii)", "how input data were had and chosen", "model"),
        Item("5 (iii)", "what was done with input of poor quality or missing", "model"),
        Item("5 (iv)", "how people handled the input, and which expertise was needed", "readers"),
        Item("5 (v)", "output of the system", "model"),
        Item("5 (vi)", "how output contributed to decisions", "reliance"),
        Item("19", "analysis of errors, and how they were found", "flips"),
        Item("25", "whether system and code can be had", "appendix"),
    ),
)

CHECKLISTS = (STARD_AI, DECIDE_AI, CONSORT_AI)


def answer(item: Item, titles: Mapping[str, str], empty: frozenset[str]) -> str:
    """Say where an item is answered, given the report's titles by key and the sections that recorded nothing."""
    if not item.section:
        return f"Not answered because {item.because}."
    if item.section not in titles:
        return "Not answered because this report has no such section."
    if item.section in empty:
        return f"Not answered because nothing was recorded under \u201c{titles[item.section]}\u201d."
    return titles[item.section]
