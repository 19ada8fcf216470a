"""Profiles for tests of the header: the Basic Profile alone, and the research default."""

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


def with_options(*options: Option) -> Profile:
    """Return a profile of these options beside the Basic Profile."""
    return Profile(name="test", options=options)
