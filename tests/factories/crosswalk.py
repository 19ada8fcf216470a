"""One line of a crosswalk, made up."""

from pipeline.records import CrosswalkEntry


def crosswalk_entry(**changes):
    """Return an entry of patient 4711 of hospital A."""
    fields = {
        "patient_domain": "A",
        "patient_id": "4711",
        "normal_patient_id": "4711",
        "pseudonym": "SV-A",
        "accession_number": ("ACC-1", "KEYEDACCESSION"),
        "study_id": ("", ""),
        "study_uid": ("1.2.3.2", "2.25.13"),
        "series_uid": ("1.2.3.3", "2.25.12"),
        "instance_uid": ("1.2.3.1", "2.25.11"),
        "other_uids": (("1.2.3.9", "2.25.19"),),
    }
    return CrosswalkEntry(**{**fields, **changes})
