"""Where the built web client lies; this room holds files only and imports nothing of the server."""

from pathlib import Path


def static_folder() -> Path | None:
    """The folder with the built client's index.html; None where SKIP_WEB_BUILD left it out of the installation."""
    folder = Path(__file__).parent / "static"
    return folder if (folder / "index.html").is_file() else None
