"""Unique device identifiers of the issuing agencies GS1, HIBCC and ICCBBA; nothing here may ask a registry."""

from traceward.gs1.udi.gs1 import udi_from_elements
from traceward.gs1.udi.hibc import join_hibc, parse_hibc
from traceward.gs1.udi.iccbba import parse_iccbba
from traceward.gs1.udi.parse import parse_udi
from traceward.gs1.udi.udi import IssuingAgency, Udi

__all__ = ["IssuingAgency", "Udi", "join_hibc", "parse_hibc", "parse_iccbba", "parse_udi", "udi_from_elements"]
