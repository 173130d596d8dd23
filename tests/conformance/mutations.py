"""The ways of being wrong that the kit must notice, one or more for each requirement."""

from .mutations_capture import CAPTURE, DISCOVERY
from .mutations_queries import QUERIES
from .mutations_query import FORMATS, PARAMETERS, RESOURCE, RESULTS
from .mutations_soap import SOAP
from .mutations_xml import XML

ALL = [*DISCOVERY, *CAPTURE, *RESULTS, *QUERIES, *RESOURCE, *FORMATS, *XML, *SOAP, *PARAMETERS]
