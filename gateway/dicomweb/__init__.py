"""DICOMweb beside DIMSE: objects in and out by STOW-RS (PS3.18 10.5), over the same spool, ledger and forwarder."""
