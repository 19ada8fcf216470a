"""The generator of the table of safe private attributes, on made-up tables."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "generate_private.py"
STANDARD = """\
group,creator,element,vr,vm,name
0019,MAKER,0C,IS,1,B Value
0019,MAKER,0D,OW/OB,1,Volume
0119,"MAKER, Inc.",11,,1,Timer
"""
TCIA = """\
element_sig_pattern,tag_name,vr,private_disposition
"(0019,MAKER"",0c)",B Value,DS,d
"(0019,MAKER"",20)",Kept,SS,k
"(0019,MAKER"",20)",Kept,UN,d
"(0019,MAKER"",21)",Kept here,SL,k
"(0008,1111)[<0>](0019,MAKER"",21)",Deleted there,SL,d
"(0019,MAKER"",22)",A text,LO,k
"(0019,MAKER"",23)",Patient Weight,DS,k
"(0019,MAKER"",24)",Oddly written,DS, K
"(0019,MAKER"",25)",A date,SL,oi
"(0019,MAKER"",30)",Carrier,SQ,k
"(0019,MAKER"",30)[<0>](0019,""MAKER"",31)",Carrier:Nested,FD,k
"(0019,MAKER"",30)[<0>](0028,0010)",Carrier:Rows,US,k
"(0019,,02)",Nobody's,DS,k
"(0019,Unnamed Private Block - 10"",02)",Nobody's,DS,k
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Load the tool, pointed at the made-up tables and another output."""
    spec = importlib.util.spec_from_file_location("generate_private", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / module.STANDARD).write_text(STANDARD, encoding="utf-8")
    (tmp_path / module.TCIA).write_text(TCIA, encoding="utf-8")
    monkeypatch.setattr(module, "EXPECTED_ROWS", {module.STANDARD: 3, module.TCIA: 14})
    monkeypatch.setattr(module, "OUTPUT", tmp_path / "safe.csv")
    return module


def test_every_row_of_the_standard_and_only_safe_numbers_of_tcia(tool, tmp_path):
    """What is judged otherwise anywhere, no number, nobody's, or another option's, is left out."""
    assert tool.main(tmp_path) == 0

    lines = [line for line in tool.OUTPUT.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines == [
        "group,creator,element,action,vr,vm,source,name",
        "0019,MAKER,0C,number,IS,1,standard,B Value",
        "0019,MAKER,0D,remove,OW/OB,1,standard,Volume",
        "0019,MAKER,20,number,SS,,tcia,",
        "0019,MAKER,24,number,DS,,tcia,",
        "0019,MAKER,30,carry,SQ,,tcia,",
        "0019,MAKER,31,number,FD,,tcia,",
        '0119,"MAKER, Inc.",11,number,,1,standard,Timer',
    ]


def test_a_table_of_another_length_is_not_taken(tool, tmp_path, monkeypatch):
    """Another edition: somebody looks at it first."""
    monkeypatch.setattr(tool, "EXPECTED_ROWS", {tool.STANDARD: 479, tool.TCIA: 14})

    assert tool.main(tmp_path) == 1
    assert not tool.OUTPUT.exists()
