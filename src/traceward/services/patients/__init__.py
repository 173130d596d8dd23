"""Patients in events: encrypted per subject, looked up by the clinical role, erased, and kept out of shared events."""
