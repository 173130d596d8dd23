"""A unique device identifier, whichever issuing agency's, and its AccessGUDID and FHIR names.

This module must not parse: gs1.py, hibc.py and iccbba.py do.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from traceward.gs1.parsed import Finding
from traceward.gs1.percent import encode_link_segment

IssuingAgency = Literal["GS1", "HIBCC", "ICCBBA"]
# Devices of other agencies have no GS1 key; EPCIS allows any URI, so they get one of ours, stable for all time.
PRIVATE_STEM = "https://ns.traceward.org/udi"
_FHIR_ISSUERS = {
    "GS1": "http://hl7.org/fhir/NamingSystem/gs1-di",
    "HIBCC": "http://hl7.org/fhir/NamingSystem/hibcc-dI",
    "ICCBBA": "http://hl7.org/fhir/NamingSystem/iccbba-other-di",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Udi:
    """Device identifier (di) and production identifiers; None for what the carrier does not say.

    *_original: the date as the carrier has it, *_format how it is to be read (AccessGUDID words), *_date what it means;
    None beside an original that is no date, with a finding. expiration_hour: 0-23, HIBC only. quantity: pieces.
    epc, epc_class: canonical identifier of the one device, and of its model or lot. link_character: of a HIBC
    secondary symbol, the check character of its primary one. carrier_hrf, carrier_aidc: human readable form, and the
    carrier's data with symbology identifier and GS separators.
    """

    issuing_agency: IssuingAgency
    di: str | None = None
    lot: str | None = None
    serial: str | None = None
    expiration_date: date | None = None
    expiration_original: str | None = None
    expiration_format: str | None = None
    expiration_hour: int | None = None
    manufacturing_date: date | None = None
    manufacturing_original: str | None = None
    manufacturing_format: str | None = None
    donation_id: str | None = None
    quantity: int | None = None
    epc: str | None = None
    epc_class: str | None = None
    link_character: str | None = None
    carrier_hrf: str = ""
    carrier_aidc: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether no finding is an error."""
        return not any(finding.severity == "error" for finding in self.findings)

    def with_findings(self, findings: tuple[Finding, ...]) -> Udi:
        """Itself with further findings."""
        return replace(self, findings=self.findings + findings) if findings else self

    def to_gudid(self) -> dict[str, str]:
        """The fields that it has under the names of AccessGUDID's parse_udi, version 2; dates in ISO form."""
        named = {
            "udi": self.carrier_hrf,
            "issuingAgency": self.issuing_agency,
            "di": self.di,
            "manufacturingDateOriginal": self.manufacturing_original,
            "manufacturingDateOriginalFormat": self.manufacturing_format,
            "manufacturingDate": _iso(self.manufacturing_date),
            "expirationDateOriginal": self.expiration_original,
            "expirationDateOriginalFormat": self.expiration_format,
            "expirationDate": _iso(self.expiration_date),
            "lotNumber": self.lot,
            "serialNumber": self.serial,
            "donationId": self.donation_id,
        }
        return {name: value for name, value in named.items() if value is not None}

    def to_fhir_udi_carrier(self, entry_type: str = "barcode") -> dict[str, str]:
        """A FHIR R4 Device.udiCarrier element; what the carrier does not say is left out."""
        named = {
            "deviceIdentifier": self.di,
            "issuer": _FHIR_ISSUERS[self.issuing_agency],
            "carrierAIDC": b64encode(self.carrier_aidc.encode()).decode("ascii"),
            "carrierHRF": self.carrier_hrf,
            "entryType": entry_type,
        }
        return {name: value for name, value in named.items() if value}


def private_identifiers(agency: IssuingAgency, di: str, lot: str | None, serial: str | None) -> tuple[str | None, str]:
    """The URIs of one device (None without serial number) and of its lot or model, for agencies without GS1 keys.

    >>> private_identifiers("HIBCC", "A123BJC5D6E71", "L1", "S1")[0]
    'https://ns.traceward.org/udi/hibcc/A123BJC5D6E71/serial/S1'
    """
    model = f"{PRIVATE_STEM}/{agency.lower()}/{encode_link_segment(di)}"
    instance = f"{model}/serial/{encode_link_segment(serial)}" if serial else None
    return instance, f"{model}/lot/{encode_link_segment(lot)}" if lot else model


def _iso(value: date | None) -> str | None:
    return value.isoformat() if value is not None else None
