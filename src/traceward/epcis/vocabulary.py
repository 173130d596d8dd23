"""The Core Business Vocabulary 2.0: every term in its forms, bare word, URN, web URI and CURIE, translated both ways.

Must not judge events: which term may stand where is for `rules`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["bizstep", "disp", "btt", "sdt", "er", "comp", "measurement", "alert"]

_CBV_WEB = "https://ref.gs1.org/cbv/"
_GS1_VOC = "https://gs1.org/voc/"
# The 2.0.1 ontology moved the gs1: namespace, the JSON-LD context did not: both name the same terms.
_GS1_VOC_SPELLINGS = (_GS1_VOC, "https://ref.gs1.org/voc/", "http://gs1.org/voc/", "https://www.gs1.org/voc/")


@dataclass(frozen=True, slots=True)
class _KindForms:
    """How the terms of one kind are written: web URI = web + word, CURIE = curie + word, URN = urn + word if any."""

    words: frozenset[str]
    web: str
    curie: str
    urn: str | None


def _cbv(prefix: str, urn_kind: str, words: str) -> _KindForms:
    return _KindForms(
        frozenset(words.split()), f"{_CBV_WEB}{prefix}-", f"cbv:{prefix}-", f"urn:epcglobal:cbv:{urn_kind}:"
    )


def _gs1(words: str) -> _KindForms:
    return _KindForms(frozenset(words.split()), _GS1_VOC, "gs1:", None)


KINDS: Mapping[Kind, _KindForms] = {
    "bizstep": _cbv(
        "BizStep",
        "bizstep",
        "accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting "
        "decommissioning departing destroying disassembling dispensing encoding entering_exiting holding inspecting "
        "installing killing loading other packing picking receiving removing repackaging repairing replacing "
        "reserving retail_selling sampling sensor_reporting shipping staging_outbound stock_taking stocking storing "
        "transporting unloading unpacking void_shipping",
    ),
    "disp": _cbv(
        "Disp",
        "disp",
        "active available completeness_inferred completeness_verified conformant container_closed container_open "
        "damaged destroyed dispensed disposed encoded expired in_progress in_transit inactive mismatch_class "
        "mismatch_instance mismatch_quantity needs_replacement no_pedigree_match non_conformant non_sellable_other "
        "partially_dispensed recalled reserved retail_sold returned sellable_accessible sellable_not_accessible "
        "stolen unavailable unknown",
    ),
    "btt": _cbv("BTT", "btt", "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt"),
    "sdt": _cbv("SDT", "sdt", "owning_party possessing_party location"),
    "er": _cbv("ER", "er", "did_not_occur incorrect_data"),
    "comp": _cbv(
        "Comp",
        "comp",
        "x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting northing latitude "
        "longitude altitude",
    ),
    "measurement": _gs1(
        "AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Radioactivity Altitude AmountOfSubstance "
        "AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area Capacitance "
        "Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate DynamicViscosity "
        "ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force Frequency "
        "Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux "
        "LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration "
        "MassFlowRate MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power "
        "Pressure RadiantFlux RadiantIntensity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume "
        "Speed SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction "
        "VolumetricFlux Wavenumber"
    ),
    "alert": _gs1("ALARM_CONDITION ERROR_CONDITION"),
}


def _spellings(forms: _KindForms) -> dict[str, str]:
    """Every accepted spelling of a kind's terms, to its bare word."""
    prefixes = ["", forms.web, forms.curie]
    if forms.urn is not None:
        prefixes.append(forms.urn)
    if forms.web == _GS1_VOC:
        prefixes.extend(_GS1_VOC_SPELLINGS)
    return {prefix + word: word for prefix in prefixes for word in forms.words}


_BARE: Mapping[Kind, Mapping[str, str]] = {kind: _spellings(forms) for kind, forms in KINDS.items()}


def to_bare(kind: Kind, text: str) -> str | None:
    """The bare word of a standard term in any of its forms; None when the text is not a term of that kind.

    >>> to_bare("bizstep", "urn:epcglobal:cbv:bizstep:shipping")
    'shipping'
    """
    return _BARE[kind].get(text)


def to_web_uri(kind: Kind, text: str) -> str | None:
    """The web URI of a standard term in any of its forms; None when the text is not a term of that kind.

    >>> to_web_uri("disp", "in_transit")
    'https://ref.gs1.org/cbv/Disp-in_transit'
    """
    word = _BARE[kind].get(text)
    return None if word is None else KINDS[kind].web + word


def to_curie(kind: Kind, text: str) -> str | None:
    """The CURIE of a standard term in any of its forms; None when the text is not a term of that kind."""
    word = _BARE[kind].get(text)
    return None if word is None else KINDS[kind].curie + word


def to_urn(kind: Kind, text: str) -> str | None:
    """The URN of a standard term in any of its forms; None when it is no term of that kind or the kind has no URNs.

    Measurement and alert types have no URN (CBV 2.0 ontology).
    """
    word, urn = _BARE[kind].get(text), KINDS[kind].urn
    return None if word is None or urn is None else urn + word


def in_standard_namespace(text: str) -> bool:
    """Whether a URI or CURIE lies in a namespace where only the standard may define terms."""
    return text.startswith((_CBV_WEB, "urn:epcglobal:cbv:", "cbv:")) or "ns.gs1.org/cbv/" in text


@lru_cache(maxsize=4096)
def nearest(kind: Kind, text: str) -> str | None:
    """The standard word most like the text, for a hint; None when none is close."""
    local = text.rsplit(":", 1)[-1].rsplit("-", 1)[-1]
    close = difflib.get_close_matches(local[:32], sorted(KINDS[kind].words), n=1)
    return close[0] if close else None
