"""The steward's table of pseudonyms: read whole or not at all, and never quoted."""

import pickle

import pytest

from config.load import load_gateway, load_profile
from config.patient_table import read_patient_table
from config.problems import ConfigurationError
from config.schema import profile_sha256

PROFILE = "options: [clean_pixel_data]\npatient_id: {method: table, file: ids.csv, unknown: hold}\n"


@pytest.fixture
def table_file(tmp_path):
    """Write `ids.csv` with mode 0600 beside the profile."""

    def write(content, mode=0o600):
        file = tmp_path / "ids.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)
        return file

    return write


def _faults(file, *, strip=False):
    table, problems = read_patient_table(file, strip_leading_zeros=strip)
    assert table is None
    return [str(problem).removeprefix(f"{file}") for problem in problems]


def test_a_table_gives_each_patient_its_pseudonym(table_file):
    """Source IDs are compared as the keyed method compares them; a byte order mark and blank lines do no harm."""
    file = table_file("\ufeffid_old,id_new\n abc\uff11 ,ECHO-1\n\n0042,ECHO-2\n")

    table, problems = read_patient_table(file, strip_leading_zeros=True)

    assert problems == []
    assert table.new_id("ANY", "ABC1") == "ECHO-1"
    assert table.new_id("ANY", "42") == "ECHO-2"
    assert table.new_id("ANY", "43") is None


def test_a_line_for_a_domain_goes_before_one_for_all(table_file):
    """One ID may be two patients in two hospitals."""
    file = table_file("id_new,domain,id_old\nN-1,A,7\nN-2,,7\nN-3,B,8\n")

    table, _ = read_patient_table(file, strip_leading_zeros=False)

    assert (table.new_id("A", "7"), table.new_id("B", "7")) == ("N-1", "N-2")
    assert (table.new_id("B", "8"), table.new_id("A", "8")) == ("N-3", None)


FAULTS = {
    "no header": ("123,N-1\n", ":1: the first row names the columns"),
    "an unknown column": ("id_old,id_new,name\n1,N-1,x\n", ":1: the first row names the columns"),
    "a missing cell": ("id_old,id_new\n1\n", ":2: has 1 cells instead of 2"),
    "a patient twice": ("id_old,id_new\nSECRET,N-1\nsecret ,N-2\n", ":3: the patient of id_old stands in line 2"),
    "two patients as one": ("id_old,id_new\n1,N-1\n2,N-1\n", ":3: id_new stands in line 2 already"),
    "no source ID": ("id_old,id_new\n ,N-1\n", ":2: id_old is empty"),
    "no pseudonym": ("id_old,id_new\n1,\n", ":2: id_new is empty"),
    "a backslash": ("id_old,id_new\n1,SEC\\RET\n", ":2: id_new holds a character"),
    "a caret, which a name would divide at": ("id_old,id_new\n1,SEC^RET\n", ":2: id_new holds a character"),
    "a letter outside ASCII": ("id_old,id_new\n1,SÉCRET\n", ":2: id_new holds a character"),
    "a long one": (f"id_old,id_new\n1,{'X' * 65}\n", ":2: id_new has 65 characters"),
    "an ID of another patient": ("id_old,id_new\n1,N-1\n2,1\n", ":3: id_new is a source ID"),
    "an open quotation mark": ('id_old,id_new\n1,"N-1\n', ":2: cannot be read as CSV"),
    "another encoding": (b"id_old,id_new\n1,N-\xe9\n", ": the table of patients: is not UTF-8"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_named_by_line_and_never_quoted(table_file, case):
    """Whoever reads the log must not read the table."""
    content, expected = FAULTS[case]

    faults = _faults(table_file(content))

    assert faults[0].startswith(expected)
    assert not any(word in fault for fault in faults for word in ("SECRET", "secret", "SEC", "N-1"))


def test_a_table_that_others_may_read_is_refused(table_file):
    """It is worth as much as the key."""
    (fault,) = _faults(table_file("id_old,id_new\n1,N-1\n", mode=0o640))

    assert "others can use the file (mode 0640)" in fault


def test_leading_zeros_make_two_lines_one_where_the_profile_says_so(table_file):
    """007 and 7 are the same patient, so the second line is a fault."""
    file = table_file("id_old,id_new\n7,N-1\n007,N-2\n")

    assert read_patient_table(file, strip_leading_zeros=False)[1] == []
    assert _faults(file, strip=True)[0].startswith(":3: the patient of id_old")


def test_a_profile_holds_its_table_and_its_hash_follows_the_content(profile_file, table_file):
    """A run cannot be resumed with another table; the order of the lines does not count."""
    table_file("id_old,id_new\n1,N-1\n2,N-2\n")
    one = load_profile(profile_file(PROFILE))
    table_file("id_old,id_new\n2,N-2\n1,N-1\n")
    same = load_profile(profile_file(PROFILE))
    table_file("id_old,id_new\n1,N-1\n2,N-3\n")
    other = load_profile(profile_file(PROFILE))

    assert profile_sha256(one) == profile_sha256(same)
    assert profile_sha256(one) != profile_sha256(other)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert "N-1" not in repr(one)


def test_a_table_reaches_a_worker_process(profile_file, table_file):
    """Profiles are pickled on their way there."""
    table_file("id_old,id_new\n1,N-1\n")

    profile = pickle.loads(pickle.dumps(load_profile(profile_file(PROFILE))))

    assert profile.patient_id.file.new_id("A", "1") == "N-1"


def test_every_fault_of_profile_and_table_is_told_at_once(profile_file, table_file):
    """The table's under its own name and line."""
    table_file("id_old,id_new\n1,\n")

    with pytest.raises(ConfigurationError) as raised:
        load_profile(profile_file(PROFILE + "date_shift: {range_days: 0}\n"))

    text = str(raised.value)
    assert "ids.csv:2: id_new is empty" in text
    assert "own.yaml:3: " in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("patient_id: {method: table, file: ids.csv}", "own.yaml:1: patient_id.file: there is no such table"),
        ("patient_id: {method: table}", "are written together"),
        ("patient_id: {method: table, file: 7}", "own.yaml:1: patient_id.file"),
        ("patient_id: {method: table, file: 's3://a/b'}", "write the path of a local CSV file"),
        ("patient_id: {alphabet: digits}", "needs `length: 25` or more, which is 80 bits"),
        ("patient_id: {alphabet: hex, length: 19}", "needs `length: 20` or more"),
        ("patient_id: {length: 15}", "write at least 16"),
        ("patient_id: {length: 49}", "write at most 48"),
        ("patient_id: {method: table, file: ids.csv, unknown: pass}", "write hold"),
    ],
)
def test_what_is_wrong_with_patient_id_is_named(profile_file, text, expected):
    """With the line of the profile and what to write instead."""
    with pytest.raises(ConfigurationError, match=r"own\.yaml:") as raised:
        load_profile(profile_file(f"{text}\n"))

    assert expected in str(raised.value)


def test_a_gateway_loads_the_table_of_its_profile(gateway_file, folder):
    """The path lies beside the profile that names it."""
    (folder / "ids.csv").write_text("id_old,id_new\n1,N-1\n")
    (folder / "ids.csv").chmod(0o600)
    (folder / "own.yaml").write_text(PROFILE)

    config = load_gateway(
        gateway_file(("profile: research", "profile: own"), ("secrets:", "profiles: {own: own.yaml}\nsecrets:"))
    )

    assert config.profiles["own"].patient_id.file.new_id("", "1") == "N-1"
