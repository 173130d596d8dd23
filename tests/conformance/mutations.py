"""The ways of being wrong that the kit must notice, one or more for each requirement."""

from .mutations_capture import CAPTURE, DISCOVERY
from .mutations_queries import QUERIES
from .mutations_query import FORMATS, PARAMETERS, RESOURCE, RESULTS

ALL = [*DISCOVERY, *CAPTURE, *RESULTS, *QUERIES, *RESOURCE, *FORMATS, *PARAMETERS]
