"""Lists of studies, and what of them is done."""

import json
import stat

import pytest

from gateway.ask import by_accession, by_study
from gateway.pull_list import BusyError, ListError, Progress, read_list


def _listed(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "AccessionNumber\nA1\nA2\n",
        "accession_number;note\r\nA1;x\r\nA2;y\r\n",
        "note\tAccession Number\nx\tA1\ny\t A2 \n",
        '"Accession number","note"\n"A1","two\nlines"\nA2,\n',
        "\ufeffACCESSIONNUMBER\nA1\nA2",
    ],
)
def test_lists_as_spreadsheets_write_them(tmp_path, text):
    """Comma, semicolon or tab, a byte order mark, other columns, quotation marks."""
    rows = read_list(_listed(tmp_path, text))

    assert [row.ask for row in rows] == [by_accession("A1"), by_accession("A2")]
    assert [row.number for row in rows] == [2, 3]


def test_rows_keep_their_numbers_and_are_asked_once(tmp_path):
    """Empty rows are skipped; the UID counts where it is filled; the same again is the first row's."""
    text = "AccessionNumber,StudyInstanceUID\nA1,\n,\n,1.2.3\nA9,1.2.3\nA1,\nshort\n"

    rows = read_list(_listed(tmp_path, text))

    assert [(row.number, row.ask) for row in rows] == [
        (2, by_accession("A1")),
        (4, by_study("1.2.3")),
        (7, by_accession("short")),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Dalloway\nA1\n", "row 1"),
        ("", "row 1"),
        ("AccessionNumber\nA1\nDalloway*\n", "row 3"),
        ("StudyInstanceUID\nDalloway\n", "row 2"),
        ("note,AccessionNumber\nDalloway,\n", "row 2"),
        ('AccessionNumber\n"Dalloway\n', "not CSV"),
    ],
)
def test_a_wrong_list_is_named_by_row_and_never_quoted(tmp_path, text, told):
    """Before anything is asked of the PACS."""
    with pytest.raises(ListError) as refused:
        read_list(_listed(tmp_path, text))

    assert told in str(refused.value)
    assert "Dalloway" not in str(refused.value)


def test_a_list_that_cannot_be_read_is_told_without_its_name(tmp_path):
    """Missing, or in another encoding."""
    with pytest.raises(ListError, match="cannot be read"):
        read_list(tmp_path / "Dalloway.csv")
    with pytest.raises(ListError, match="not UTF-8"):
        read_list(_listed(tmp_path, "AccessionNumber\nÄ1\n", encoding="latin-1"))


def _progress(node, list_path, name="clinical"):
    return Progress(node.root / "pulls", node.sealer, node_name=name, list_path=list_path)


def test_progress_is_kept_by_keyed_hash(node, tmp_path):
    """A second run knows it; another list or node does not; neither names nor content tell anything."""
    first, other = tmp_path / "Dalloway.csv", tmp_path / "other.csv"
    with _progress(node, first) as progress:
        progress.complete(by_accession("SECRET-1"), instances=3)
        assert progress.is_complete(by_accession("SECRET-1"))

    with _progress(node, first) as again:
        assert again.is_complete(by_accession("SECRET-1"))
        assert not again.is_complete(by_accession("SECRET-2"))
    for elsewhere in (_progress(node, other), _progress(node, first, "archive")):
        with elsewhere as progress:
            assert not progress.is_complete(by_accession("SECRET-1"))
    for file in (node.root / "pulls").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "Dalloway" not in file.name
        assert b"SECRET" not in file.read_bytes()


def test_a_torn_line_is_forgotten_and_the_next_one_is_whole(node, tmp_path):
    """A run may end within a line."""
    with _progress(node, tmp_path / "l.csv") as progress:
        progress.complete(by_accession("A1"), instances=1)
    (file,) = (node.root / "pulls").iterdir()
    with file.open("ab") as torn:
        torn.write(b'{"asked": "12')

    with _progress(node, tmp_path / "l.csv") as progress:
        assert progress.is_complete(by_accession("A1"))
        progress.complete(by_accession("A2"), instances=1)

    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 2


def test_two_runs_of_one_list_do_not_go_together(node, tmp_path):
    """The second is told so, and the first goes on."""
    with _progress(node, tmp_path / "l.csv"), pytest.raises(BusyError), _progress(node, tmp_path / "l.csv"):
        pass
