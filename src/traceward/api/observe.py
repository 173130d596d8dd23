"""Where log lines go: one line of key=value pairs each, on standard error, from a level on.

It must not choose what is logged; a process has one configuration, which the first server in it sets.
"""

import logging
import sys

import structlog


def _is_no_refused_handshake(record: logging.LogRecord) -> bool:
    """False for the line that uvicorn 0.54 writes, as an error, for every websocket that we refuse with a problem body.

    `test_a_refused_websocket_is_no_error_of_the_server` tells when the message has changed.
    """
    return record.msg != "ASGI callable returned without completing handshake."


def configure_logging(level: str) -> None:
    """Send log lines from `level` on (debug, info, warning, error) to standard error; does nothing when set before."""
    logging.getLogger("uvicorn.error").addFilter(_is_no_refused_handshake)
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
