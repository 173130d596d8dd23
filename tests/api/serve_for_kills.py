"""A demo server as a process that tests may kill: `serve_for_kills.py DATA_DIR PORT DATABASE_URL SPOOL_THRESHOLD`."""

import sys
from pathlib import Path

import uvicorn

from traceward.api.app import create_app
from traceward.api.settings import Settings


def main() -> None:
    """Serve until killed."""
    folder, port, url, threshold = sys.argv[1:5]
    settings = Settings(
        data_dir=Path(folder),
        port=int(port),
        database_url=url or None,
        demo=True,
        demo_storyline=False,
        spool_threshold_bytes=int(threshold),
    )
    uvicorn.run(create_app(settings), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
