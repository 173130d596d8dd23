"""Bodies of captures: small ones in memory, large ones in a file that is synced before the job is accepted.

It must not read what it holds.
"""

import asyncio
import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Spool:
    """One body as it arrives. Above threshold_bytes it continues in a file of `folder`.

    As a context manager it deletes the file at the end, unless `keep` was called.
    """

    def __init__(self, folder: Path, threshold_bytes: int) -> None:
        self._folder = folder
        self._threshold_bytes = threshold_bytes
        self._chunks: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self._kept = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._path is not None and not self._kept:
            self._path.unlink(missing_ok=True)

    @property
    def on_disk(self) -> bool:
        """Whether the body has grown above the threshold."""
        return self._file is not None

    async def write(self, chunk: bytes) -> None:
        """Add one part of the body."""
        self._size += len(chunk)
        if self._file is None and self._size > self._threshold_bytes:
            await asyncio.to_thread(self._open)
        if self._file is None:
            self._chunks.append(chunk)
        else:
            await asyncio.to_thread(self._file.write, chunk)

    def content(self) -> bytes:
        """The whole body, where it stayed in memory."""
        return b"".join(self._chunks)

    def close(self) -> Path:
        """The file, complete; it is deleted at the end all the same."""
        assert self._file is not None
        assert self._path is not None
        self._file.close()
        return self._path

    def keep(self) -> Path:
        """The file, synced to disk together with its folder entry; it is no longer deleted at the end."""
        assert self._file is not None
        assert self._path is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        sync_folder(self._folder)
        self._kept = True
        return self._path

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = self._folder / f"{uuid.uuid4().hex}.body"
        self._file = self._path.open("xb")
        self._file.writelines(self._chunks)
        self._chunks.clear()


def sync_folder(folder: Path) -> None:
    """Make the entries of `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
