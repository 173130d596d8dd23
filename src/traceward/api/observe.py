"""Where log lines go: one line of key=value pairs each, on standard error, from a level on.

It must not choose what is logged; a process has one configuration, which the first server in it sets.
"""

import logging
import sys

import structlog


def configure_logging(level: str) -> None:
    """Send log lines from `level` on (debug, info, warning, error) to standard error; does nothing when set before."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], drop_missing=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
