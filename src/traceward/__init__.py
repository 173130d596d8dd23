"""Traceward: a GS1 EPCIS 2.0 traceability server for medical consignment stock."""
