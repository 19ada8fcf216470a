"""The cleaner's promises beyond the table: any text, hostile ones too."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.header.folding import fold, tokens
from pipeline.header.identifiers import build
from pipeline.header.text import Outcome, TextCleaner
from pipeline.header.text.words import names_too, vocabulary
from pipeline.header.vocabulary import MEDICAL_WORDS

NOBODY = build(set(), set(), frozenset(), frozenset())


def of_patient(*names, shift_days=None):
    """Return the cleaner of somebody with these names."""
    runs = {tuple(tokens(fold(name))) for name in names}
    return TextCleaner(
        identifiers=build(runs, set(names), frozenset(), MEDICAL_WORDS),
        shift_days=shift_days,
    )


PLAIN = TextCleaner(identifiers=NOBODY, shift_days=None)
WORDS = st.sampled_from(
    [
        "CT",
        "Thorax",
        "knee",
        "T2",
        "w/",
        "MILLER",
        "Müller",
        "12",
        "345",
        "6789",
        "12.05.2021",
        "May",
        "Dr.",
        "van",
        "L",
        "J.",
        "(",
        ")",
        "-",
        "_",
        "^",
        ",",
        ".",
        "\n",
        "name:",
        "92 y/o",
        "#",
        "/",
        "胸部",
        "山田",
        "@",
        "www.",
        "3D",
        "grace",
        "́",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(WORDS, max_size=14).map(" ".join), st.lists(WORDS, max_size=10).map("".join)
)


@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_cleaning_any_text_twice_is_cleaning_it_once(text):
    """Dates go, so that nothing moves twice."""
    cleaned = PLAIN.clean(text)
    assert PLAIN.clean(cleaned) == cleaned


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from(["Thorax", "MILLER", "Quinzelbach", "grace", "6789 345"]))
def test_no_identifier_of_the_object_is_left(text, name):
    """Wherever it stands in a text, and whether it is a known word or not."""
    cleaner = of_patient(name, shift_days=20)
    cleaned = cleaner.clean(f"{text} {name} {text}")
    assert not cleaner._identifiers.in_text(cleaned)
    assert "quinzelbach" not in cleaned.lower()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="bcdfgjkqvwxz", min_size=6, max_size=12))
def test_a_word_that_nobody_knows_is_gone(word):
    """Alone, in capitals, and beside known ones."""
    for text in (word, word.upper(), f"CT {word} thorax", f"CT_{word}_thorax", f"knee{word.capitalize()}"):
        assert word not in PLAIN.clean(text).lower()


def test_a_rare_vocabulary_word_goes_when_the_patient_is_called_so():
    """The cleaner's list is wider than the words that identify nobody."""
    assert "meniscus" in vocabulary()
    assert "meniscus" not in MEDICAL_WORDS
    assert PLAIN.clean("medial meniscus left") == "medial meniscus left"
    assert of_patient("Meniscus").clean("medial meniscus left") == "medial left"


def test_a_patient_called_head_loses_the_name_but_not_every_head():
    """Both names together go; the body part alone stays."""
    cleaner = of_patient("Cooper Head")
    assert cleaner.clean("CT head, Cooper Head") == "CT head"


def test_a_name_inside_a_longer_run_is_found():
    """Known words in mixed case are compared one by one."""
    assert of_patient("Meniscus").clean("kneeMeniscus") == "knee"


def test_a_uid_of_the_object_goes():
    """As every UID does."""
    assert PLAIN.clean("from 1.2.826.0.1.3680043.99.7 CT") == "CT"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("CT", "vocabulary"),
        ("L4L5", "shape"),
        ("12", "number"),
        ("Quinzelbach", "unknown"),
        ("617-555-0142", "pattern:number"),
        ("Tel. 12345", "pattern:phone"),
        ("a@b.org", "pattern:e-mail"),
        ("12.05.2021", "date"),
        ("May 2021", "pattern:date"),
        ("10:32", "pattern:time"),
    ],
)
def test_each_rule_is_named(text, rule):
    """In the explanation for the steward."""
    assert [decision.rule for decision in of_patient(shift_days=10).explain(text)] == [rule]


def test_outcomes_are_told():
    """Kept, removed, shifted, replaced."""
    decisions = of_patient("Cooper", shift_days=10).explain("CT Cooper 12.05.2021, 92 y/o")
    assert [decision.outcome for decision in decisions[:4]] == [
        Outcome.KEPT,
        Outcome.REMOVED,
        Outcome.SHIFTED,
        Outcome.REPLACED,
    ]
    assert decisions[1].rule == "identifier"


def test_dates_that_make_a_legal_value_too_long_go():
    """An SH of 16 characters does not become one of 19."""
    text = "on 31 May 2021 a"
    assert len(text) == 16
    assert of_patient(shift_days=100).clean(text) == "a"


@pytest.mark.parametrize(
    "unit", ["a", "1 ", "12-", "A.", "(", "ab-", "a@", "a1", "^a", "May 12 ", "name: a ", "x.y-", "via a "]
)
def test_hostile_text_is_done_in_time(unit):
    """No pattern backtracks: 8,000 characters in less than 3 seconds on any machine."""
    started = time.process_time()
    PLAIN.clean(unit * (8000 // len(unit)))
    assert time.process_time() - started < 3


def test_a_text_longer_than_any_report_is_cleaned_line_by_line():
    """And a line of that length goes."""
    line = "The liver is normal. MILLER"
    assert PLAIN.clean("\n".join([line] * 500)) == "\n".join(["The liver is normal."] * 500)
    assert PLAIN.clean("liver " * 3000) == ""


def test_marked_words_are_words():
    """And nothing of the list is longer than a word or has a capital."""
    assert names_too() < vocabulary()
    assert all(word == fold(word) and len(word) < 40 for word in vocabulary())


@pytest.mark.parametrize(
    "name", ["miller", "smith", "garcia", "schmidt", "rossi", "young", "grace", "may", "baker", "rose", "summer"]
)
def test_common_names_are_no_words(name):
    """Even those that mean something too."""
    assert name not in vocabulary() - names_too()
    assert PLAIN.clean(f"CT {name.title()} Quinzelbach") == "CT"
