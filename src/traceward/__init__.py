"""Traceward: a GS1 EPCIS 2.0 traceability server for medical consignment stock."""

__version__ = "0.1.0"
