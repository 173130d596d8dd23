"""Where in an XML document something stands, when it is known by its place in the JSON form of an event.

Must not import what imports findings: they use it.
"""

from __future__ import annotations

import re

from traceward.epcis.xml_tables import ITEMS, TYPED_LISTS

_STEP = re.compile(r"([^.\[\]]+)((?:\[\d+\])?)")
# Elements whose fields are attributes.
_ATTRIBUTES = frozenset({"sensorMetadata", "sensorReport"})
_TYPED = frozenset(item for item, _ in TYPED_LISTS.values())


def xpath(path: str) -> str:
    """The XPath, from the event, of what stands at a path of its JSON form.

    >>> xpath("quantityList[0].uom"), xpath("sensorElementList[1].sensorReport[0].value")
    ('quantityList/quantityElement[1]/uom', 'sensorElementList/sensorElement[2]/sensorReport[1]/@value')
    """
    steps: list[str] = []
    parent = ""
    for name, index in _STEP.findall(path):
        position = f"[{int(index[1:-1]) + 1}]" if index else ""
        if parent in _TYPED:
            if name == "type":
                steps.append("@type")
        elif parent in _ATTRIBUTES:
            steps.append("@" + name)
        elif name in ITEMS and index:
            steps += [name, ITEMS[name] + position]
        else:
            steps.append(name + position)
        parent = ITEMS[name] if name in ITEMS and index else name
    return "/".join(steps)
