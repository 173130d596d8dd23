"""A SQLite file system that remembers what was synced, so that a power cut can be played at any moment of a run.

Between two syncs a cut may keep, drop or tear (at 512 bytes) each write, in any combination; what was synced stays.
Directory entries are taken to survive. The store runs on apsw here, since only apsw lets a test be the file system.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from traceward.store.sqlite import SqliteDatabase

SECTOR = 512


class Step(NamedTuple):
    """Something that happened: "write", "truncate", "sync" or "delete" of a file, or "ack" of a batch."""

    kind: str
    name: str
    offset: int = 0
    data: bytes = b""


class Recorder(apsw.VFS):
    """Passes everything to the real file system and writes it down."""

    def __init__(self, name: str) -> None:
        self.steps: list[Step] = []
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _File(self.steps, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.steps.append(Step("delete", Path(filename).name))
        super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    def __init__(self, steps: list[Step], name: Any, flags: list[int]) -> None:
        self._steps = steps
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name).name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._steps.append(Step("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._steps.append(Step("truncate", self._name, newsize))

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._steps.append(Step("sync", self._name))


class _Result:
    def __init__(self, rows: list[Any], changes: int) -> None:
        self._rows = rows
        self.rowcount = changes

    def fetchall(self) -> list[Any]:
        return self._rows


class ApswConnection:
    """As much of sqlite3.Connection as the store uses, on the recording file system."""

    def __init__(self, path: Path, vfs: str) -> None:
        self._connection = apsw.Connection(str(path), vfs=vfs)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> _Result:
        rows = list(self._connection.execute(sql, tuple(params)))
        return _Result(rows, self._connection.changes())

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def set_progress_handler(self, handler: Any, steps: int) -> None:
        self._connection.set_progress_handler(handler, steps or 1)

    def close(self) -> None:
        self._connection.close()


class RecordedDatabase(SqliteDatabase):
    """The store's SQLite database on a recording file system, with a short log so that checkpoints happen too."""

    def __init__(self, path: Path, recorder: str, synchronous: str) -> None:
        super().__init__(path, synchronous=synchronous)
        self._recorder = recorder

    def open_writer(self) -> Any:
        connection = super().open_writer()
        connection.execute("PRAGMA wal_autocheckpoint=40")
        return connection

    def _open(self) -> Any:
        return ApswConnection(self.path, self._recorder)


def cut(before: dict[str, bytes], steps: Sequence[Step], at: int, chance: random.Random) -> dict[str, bytes]:
    """What the disk may hold after a power cut behind `steps[:at]`. before: what it held at the start, by file name."""
    files = {name: bytearray(data) for name, data in before.items()}
    pending: dict[str, list[Step]] = {}
    for step in steps[:at]:
        if step.kind == "sync":
            for each in pending.pop(step.name, []):
                _apply(files, each)
        elif step.kind == "delete":
            pending.pop(step.name, None)
            files.pop(step.name, None)
        elif step.kind != "ack":
            pending.setdefault(step.name, []).append(step)
    for unsynced in pending.values():
        # Whole runs are lost as often as single writes: a disk that wrote nothing at all is the plainest cut.
        loss = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for each in unsynced:
            if chance.random() >= loss:
                _apply(files, _torn(each, chance))
    return {name: bytes(data) for name, data in files.items()}


def _torn(step: Step, chance: random.Random) -> Step:
    if step.kind != "write" or len(step.data) <= SECTOR or chance.random() < 0.7:
        return step
    kept = chance.randrange(0, len(step.data), SECTOR)
    return step._replace(data=step.data[:kept])


def _apply(files: dict[str, bytearray], step: Step) -> None:
    data = files.setdefault(step.name, bytearray())
    if step.kind == "truncate":
        del data[step.offset :]
        data.extend(b"\0" * (step.offset - len(data)))
        return
    if len(data) < step.offset:
        data.extend(b"\0" * (step.offset - len(data)))
    data[step.offset : step.offset + len(step.data)] = step.data
