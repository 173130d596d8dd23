"""What the scanner says of itself, and what it leaves out of the server's process."""

import json
import subprocess
import sys

import pytest

from scanner.pictures import VALVE, VALVE_DATA, png, symbol
from shared_data import shared
from traceward.scanner import native
from traceward.scanner.doctor import report
from traceward.scanner.scan import scan_picture


def test_the_server_process_imports_no_decoder():
    """Rejects importing OpenCV where the pool is used: the idle server would pay for it."""
    code = "import sys, traceward.scanner.workers, traceward.scanner.doctor"
    code += "; print([m for m in ('cv2', 'zxingcpp', 'numpy') if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert run.stdout.strip() == "[]"


def test_doctor_names_every_engine_with_what_it_serves():
    engines = {status.engine: status for status in report()}
    assert list(engines) == ["zxing-cpp", "libdmtx", "libzbar"]
    assert engines["zxing-cpp"].available
    assert "GS1 DataMatrix" in engines["libdmtx"].symbologies
    assert all(status.available == (status.missing is None) for status in report())


def test_without_the_system_libraries_the_rest_works_and_the_reason_is_told(monkeypatch):
    """Rejects an import error at start-up where libdmtx or libzbar is not installed."""
    gone = native.NativeLibrary("pylibdmtx", "libdmtx0b", None, "Unable to find dmtx shared library; install libdmtx0b")
    monkeypatch.setattr("traceward.scanner.datamatrix.libdmtx", lambda: gone)
    monkeypatch.setattr("traceward.scanner.linear.libzbar", lambda: gone)
    monkeypatch.setattr("traceward.scanner.doctor.libdmtx", lambda: gone)
    result = scan_picture(png(symbol(VALVE, "DataMatrix")), mode="thorough", budget_ms=20_000)
    assert [(s.data, s.confirmed) for s in result.symbols] == [(VALVE_DATA, True)]
    (status,) = [status for status in report() if status.engine == "libdmtx"]
    assert (status.available, status.missing) == (False, gone.missing)


def test_a_missing_library_names_the_package_to_install():
    missing = native._load("pyzbar", "traceward_has_no_such_module", "libzbar0")
    assert not missing.available
    assert "apt-get install libzbar0" in missing.missing


def test_no_confirmed_read_of_the_labelled_pictures_is_wrong(full_run):
    """Rejects any stage that lets a false text pass as confirmed; an ordinary run takes every third picture."""
    folder = shared("barcodes/images")
    labels = json.loads((folder / "labels.json").read_text())["images"]
    read = 0
    for label in labels if full_run else labels[::3]:
        expected = {(s["symbology_identifier"], s["text"]) for s in label["symbols"]}
        found = scan_picture((folder / label["file"]).read_bytes(), budget_ms=60_000).symbols
        confirmed = {(s.symbology_identifier, s.text) for s in found if s.confirmed}
        assert confirmed <= expected, label["file"]
        read += len(confirmed)
    assert read > 0.75 * sum(len(label["symbols"]) for label in (labels if full_run else labels[::3]))


@pytest.mark.full
def test_the_worker_stays_below_its_memory_over_all_pictures():
    """Rejects a leak per picture: all labelled pictures twice through one worker of 1 GiB."""
    from traceward.scanner.workers import ScanPool

    folder = shared("barcodes/images")
    pool = ScanPool(workers=1)
    try:
        for _ in range(2):
            for picture in sorted(folder.glob("*.jpg")):
                pool.scan(picture.read_bytes())
    finally:
        pool.close()
