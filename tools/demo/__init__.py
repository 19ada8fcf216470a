"""`make demo`: a clinical PACS, the gateway and a research PACS on this machine, and a search for what was planted.

    patients, header, screens, burning   what is planted: in headers, and into pixels
    worklist                        the objects that the clinical PACS sends
    peers, node                     the two PACS roles, and `sonoveil serve` as a process of its own
    search, pixels                  looking for the planted things in what the research PACS received
    account, pictures, show         the verdict, the before/after pictures, the terminal

Rule of the folder: the gateway is used only from outside (its command line, its DICOM port, its `/metrics`), and
what it did is judged here by other means than its own, but for two named exceptions: the public UIDs, by which sent
and received objects are paired, and the text recogniser, which reads both sides.
"""
