"""Names under signatures: ids that read in one way only, printed names that hide nothing and imitate nobody."""

from __future__ import annotations

import pytest

from hitl_review.domain.naming import check_account_id, check_distinct, check_printed_name, skeleton
from hitl_review.domain.printing import BLANK
from hitl_review.errors import AccountError


@pytest.mark.parametrize("account_id", ["anna", "anna-berg", "A.Berg_2", "7", "x" * 64])
def test_plain_ids_are_taken(account_id: str) -> None:
    """ASCII letters, digits, dot, hyphen, underscore."""
    assert check_account_id(account_id) == account_id


@pytest.mark.parametrize(
    "account_id",
    ["", "-anna", "anna berg", "аnna", "anna\u200b", "anna\u202e", "anna\n", "ann/a", "x" * 65, "system", "System"],
)
def test_an_id_that_could_be_read_otherwise_is_refused(account_id: str) -> None:
    """A Cyrillic letter, a zero-width space, a reordering mark, a line end, the product's own name."""
    with pytest.raises(AccountError):
        check_account_id(account_id)


@pytest.mark.parametrize("name", ["Anna Berg", "José Ñúñez", "李 明", "O'Neill-Smith, MD", "Æsa Þórsdóttir"])
def test_names_of_every_script_are_taken(name: str) -> None:
    """As people write them."""
    assert check_printed_name(name) == name


@pytest.mark.parametrize(
    "mark", ["\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u00ad", "\x07", "\n", "\u2028", *sorted(BLANK)]
)
def test_a_name_with_a_character_that_cannot_be_seen_is_refused(mark: str) -> None:
    """Attack 26: bidi and zero-width characters; the sentence names the code point, not the name."""
    with pytest.raises(AccountError, match=f"U\\+{ord(mark):04X}") as refused:
        check_printed_name(f"Anna{mark}Berg")
    assert mark not in str(refused.value)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "12345", "...", "\u3164", "\u115f\u1160"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """It stands under signatures."""
    with pytest.raises(AccountError):
        check_printed_name(name)


def test_a_name_is_kept_in_one_form() -> None:
    """Composed letters and single spaces, however it was typed."""
    assert check_printed_name("  Jose\u0301   Nu\u0301ñez ") == "José Núñez"


@pytest.mark.parametrize(
    "imitation",
    [
        *("Аnnа Веrg", "ANNA BERG", "Anna  Berg", "Anna-Berg", "Ａｎｎａ Ｂｅｒｇ", "Anna Bérg"),
        *("Αnna Berg", "Anna Ber\u0261"),
    ],
)
def test_a_name_that_looks_like_another_is_refused(imitation: str) -> None:
    """Attack 26: Cyrillic and Greek letters, width, case, accents, spaces and hyphens make no second Anna Berg."""
    assert skeleton(imitation) == skeleton("Anna Berg")
    with pytest.raises(AccountError, match="looks like that of 'anna'"):
        check_distinct("anna-2", imitation, [("anna", "Anna Berg")])


def test_zero_and_one_do_not_pass_as_letters() -> None:
    """Leo and Le0, Ali and A1i."""
    assert skeleton("Le0 A1i") == skeleton("Leo Ali")


def test_different_people_are_different() -> None:
    """Two Bergs, two Annas."""
    check_distinct("anna-2", "Anna Bergh", [("anna", "Anna Berg"), ("ann", "Ann Berg")])


def test_ids_that_differ_by_capitals_only_are_refused() -> None:
    """Nobody types them apart."""
    with pytest.raises(AccountError, match="capitals only"):
        check_distinct("Anna", "Somebody Else", [("anna", "Anna Berg")])
