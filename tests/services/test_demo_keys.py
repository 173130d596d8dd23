"""The keys of a demo, from start to start."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from traceward.services.demo import demo
from traceward.services.identity.key_files import DEMO_KEYS_FILE
from traceward.services.identity.parties import revoke_key
from traceward.services.runtime import Limits, Runtime, open_runtime


@pytest.fixture
def started(tmp_path: Path) -> Callable[[], tuple[Runtime, dict[str, str]]]:
    """Starts the demo of one data folder once more; its services and keys."""

    def start() -> tuple[Runtime, dict[str, str]]:
        runtime = open_runtime(
            f"sqlite:///{tmp_path / 'traceward.sqlite3'}", data_dir=tmp_path, limits=Limits(), scan_workers=1
        )
        return runtime, demo.load_demo(runtime, storyline=False)

    return start


def test_a_key_that_opens_the_door_is_kept_when_another_is_missing(
    started: Callable[[], tuple[Runtime, dict[str, str]]], tmp_path: Path
) -> None:
    """Rejects a start after an upgrade, which knows one name more, that reissues what people have in their browsers."""
    first, keys = started()
    revoke_key(first, first.registry.authenticate(keys["cordia"]).key_id)  # type: ignore[union-attr]
    first.close()
    file = tmp_path / DEMO_KEYS_FILE
    file.write_bytes(orjson.dumps({name: key for name, key in keys.items() if name != "northgate-privacy"}))
    second, again = started()
    changed = {name for name in keys if keys[name] != again[name]}
    assert changed == {"cordia", "northgate-privacy"}
    assert orjson.loads(file.read_bytes()) == again
    assert all(second.registry.authenticate(key) is not None for key in again.values())
    second.close()


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"cordia": 5}', b"{"])
def test_a_file_that_cannot_be_read_is_written_anew(
    started: Callable[[], tuple[Runtime, dict[str, str]]], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / DEMO_KEYS_FILE).write_bytes(content)
    runtime, keys = started()
    assert orjson.loads((tmp_path / DEMO_KEYS_FILE).read_bytes()) == keys
    assert all(runtime.registry.authenticate(key) is not None for key in keys.values())
    runtime.close()
