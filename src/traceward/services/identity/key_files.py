"""Key files in the data folder: written whole, with mode 0600, before anybody is told of them.

It must not print keys.
"""

import os
from pathlib import Path

ADMIN_KEY_FILE = "admin-key"
DEMO_KEYS_FILE = "demo-keys.json"


def write_secret_file(path: Path, text: str) -> None:
    """Put `text` in a file that only its owner may read, in place of what was there."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
