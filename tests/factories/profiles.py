"""Profiles for tests of the header: the Basic Profile alone, the research default, and all that cleans."""

from config.schema import Option, Profile

STRICT = Profile(name="strict", options=(Option.CLEAN_PIXEL_DATA,))
RESEARCH = Profile(
    name="research",
    options=(
        Option.CLEAN_PIXEL_DATA,
        Option.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        Option.RETAIN_PATIENT_CHARACTERISTICS,
    ),
)

CLEANING = Profile(
    name="cleaning",
    options=(
        Option.CLEAN_PIXEL_DATA,
        Option.CLEAN_GRAPHICS,
        Option.CLEAN_DESCRIPTORS,
        Option.CLEAN_STRUCTURED_CONTENT,
        Option.RETAIN_LONGITUDINAL_MODIFIED_DATES,
        Option.RETAIN_PATIENT_CHARACTERISTICS,
    ),
)
"""Everything that cleans instead of removing."""


def with_options(*options: Option) -> Profile:
    """Return a profile of these options beside the Basic Profile."""
    return Profile(name="test", options=options)
