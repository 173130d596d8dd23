"""FHIR R4, read-only: searches, and the resources that they answer with."""
