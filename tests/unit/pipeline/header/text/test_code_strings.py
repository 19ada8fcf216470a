"""Code strings: the standard's and makers' terms pass, text in their place does not."""

import pytest

from pipeline.header.text import known_code_string

TERMS = """ORIGINAL|DERIVED|PRIMARY|SECONDARY|AXIAL|LOCALIZER|M|ND|NORM|DIS2D|DIS3D|MOSAIC|M_FFE|M_SE|CSA MPR
CSA RESAMPLED|CT_SOM5 SPI|CT_SOM5 TOP|CT_SOM7 SPI DUAL|FM3|FIL|ADC|TRACEW|MFSPLIT|PHASE MAP|T2 STAR MAP
MIN IP|PROJECTION IMAGE|VOLUME|HEAD|Head|CHEST|CSPINE|LSPINE|WHOLEBODY|ABDOMENPELVIS|KNEE|HFS|FFDR|AP|PA
MLO|RCC|MONOCHROME2|YBR_FULL_422|PALETTE COLOR|SE|GR|IR|EP|SK|SS|MP|OSP|SP|FAST_GEMS|ACC_GEMS|PFP
HELICAL MODE|AXIAL MODE|WSD|DV|ISO_10918_1|FOR PRESENTATION|HU|US|ISO_IR 100|ISO 2022 IR 87|YES|NO
COMPLETE|VERIFIED|AUTO|MANUAL|T1|T2|MR|CT|OT|PT|RTSTRUCT|SEG|2D|3D|R|L|F|O""".replace("\n", "|").split("|")


@pytest.mark.parametrize("value", TERMS)
def test_a_term_passes(value):
    """Of PS3.3 and of makers."""
    assert known_code_string(value)


@pytest.mark.parametrize("value", ["", " ", "ORIGINAL ", "T2 TSE SAG", "AX T1 FS", "BONE PLUS", "SPIRAL 120"])
def test_what_is_shaped_like_a_term_of_known_words_passes(value):
    """Padding and empty values too."""
    assert known_code_string(value)


@pytest.mark.parametrize(
    "value",
    [
        "MILLER",
        "MILLER JOHN",
        "KNEE MILLER",
        "JOHN^DOE",
        "12345678",
        "MRN 123",
        "A1234567",
        "Dr Smith",
        "call 5551234",
        "19600512",
        "SMITH_J",
        "PATIENT YOUNG",
        "555-1234",
        "a@b.org",
        "山田",
        "MÜLLER",
        "JDOE",
        "KNEE OF MR ROSE",
        "X" * 17,
    ],
)
def test_text_in_the_place_of_a_term_does_not_pass(value):
    """Names, numbers, dates, sentences, other scripts."""
    assert not known_code_string(value)
