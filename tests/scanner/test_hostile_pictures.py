"""Pictures made to harm: refused before they are decoded, or contained in a worker that may be killed."""

import io
import os
import signal
import threading
import time

import numpy as np
import psutil
import pytest
from PIL import Image

from scanner.pictures import VALVE, VALVE_DATA, jpeg, png, png_bomb, symbol
from traceward.scanner.errors import NotAPicture, PictureTooLarge, ScannerUnavailable
from traceward.scanner.header import read_header
from traceward.scanner.workers import ScanPool

WEBP_BOMB = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f" + b"\0" * 9
JPEG_BOMB = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01" + b"\0" * 50
OTHERS = {
    "TIFF": b"II*\0" + b"\0" * 64,
    "GIF": b"GIF89a" + b"\0" * 64,
    "BMP": b"BM" + b"\0" * 64,
    "OpenEXR": b"\x76\x2f\x31\x01" + b"\0" * 64,
    "HEIC": b"\0\0\0\x18ftypheic" + b"\0" * 64,
    "PDF": b"%PDF-1.7" + b"\0" * 64,
}


@pytest.fixture(scope="module")
def pool():
    pool = ScanPool(workers=1)
    yield pool
    pool.close()


def idle_worker(pool: ScanPool) -> psutil.Process:
    """The process that waits for the next picture."""
    return psutil.Process(pool._idle.queue[0].process_id)


@pytest.mark.parametrize("bomb", [png_bomb(60_000, 60_000), png_bomb(7000, 7000, 7000), WEBP_BOMB, JPEG_BOMB])
def test_bombs_are_refused_by_their_header_without_being_decoded(bomb):
    """Rejects decoding first and looking at the size afterwards."""
    before = psutil.Process().memory_info().rss
    # The processor's time: what other work the machine has is no property of the code.
    started = time.process_time()
    with pytest.raises(PictureTooLarge, match="at most 40000000"):
        read_header(bomb)
    assert time.process_time() - started < 1
    assert psutil.Process().memory_info().rss - before < 20_000_000


@pytest.mark.parametrize("name", OTHERS)
def test_other_formats_are_named_and_refused(name):
    """Rejects handing over to OpenCV whatever OpenCV can read: it also opens TIFF, EXR, PNM and GIF."""
    with pytest.raises(NotAPicture, match=name):
        read_header(OTHERS[name])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\0\0\0\0WEBP",
        b"plain text",
        png_bomb(0, 10),
        b"\xff\xd8\xff\xe1",
    ],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(NotAPicture):
        read_header(data)


def test_a_picture_that_is_cut_off_is_refused(pool):
    """Rejects OpenCV's None and cv2.error leaking out as another exception."""
    whole = png(symbol(VALVE, "DataMatrix"))
    for part in (40, len(whole) // 2):
        try:
            result = pool.scan(whole[:part])
        except NotAPicture:
            continue
        assert result.symbols == ()


def test_an_announced_size_without_its_data_is_refused(pool):
    with pytest.raises(NotAPicture, match="cannot be decoded"):
        pool.scan(png_bomb(600, 600))


def test_many_false_finder_patterns_end_in_time(pool):
    """Rejects an engine without a bound: 10,000 L shapes keep libdmtx and libzbar busy for long."""
    picture = np.full((1500, 1500), 255, np.uint8)
    for x in range(0, 1500, 15):
        picture[:, x : x + 2] = 0
        picture[x : x + 2, :] = 0
    started = time.perf_counter()
    try:
        result = pool.scan(png(picture))
    except ScannerUnavailable:
        result = None
    assert time.perf_counter() - started < 11
    assert result is None or not any(s.confirmed for s in result.symbols)
    assert pool.scan(png(symbol(VALVE, "DataMatrix"))).symbols[0].data == VALVE_DATA


def test_noise_gives_no_confirmed_symbol(pool):
    noise = np.random.default_rng(1).integers(0, 255, (800, 800), np.uint8)
    assert [s for s in pool.scan(jpeg(noise)).symbols if s.confirmed] == []


def test_a_worker_killed_in_the_middle_gives_an_error_and_the_next_scan_works():
    """Rejects a pool that hangs on a dead worker or keeps handing it out."""
    pool = ScanPool(workers=1)
    good = png(symbol(VALVE, "DataMatrix"))
    try:
        pool.scan(good)
        slow = jpeg(np.random.default_rng(2).integers(0, 255, (3000, 4000), np.uint8))
        worker = idle_worker(pool)
        threading.Timer(0.15, lambda: os.kill(worker.pid, signal.SIGKILL)).start()
        with pytest.raises(ScannerUnavailable, match="ended"):
            pool.scan(slow, mode="thorough", budget_ms=60_000)
        assert pool.scan(good).symbols[0].data == VALVE_DATA
    finally:
        pool.close()


def test_a_scan_beyond_its_wall_limit_is_ended():
    """Rejects waiting for an engine that does not come back."""
    pool = ScanPool(workers=1, wall_s=0.3)
    good = png(symbol(VALVE, "DataMatrix"))
    try:
        while True:  # the first answers may be slow on a busy machine; a new worker gets twice the time
            try:
                pool.scan(good)
                break
            except ScannerUnavailable:
                continue
        noise = jpeg(np.random.default_rng(3).integers(0, 255, (3000, 4000), np.uint8))
        with pytest.raises(ScannerUnavailable, match="longer than"):
            pool.scan(noise, mode="thorough", budget_ms=60_000)
        assert pool._idle.empty(), "the worker that hung was handed back"
    finally:
        pool.close()


def test_a_worker_has_no_more_memory_than_its_limit():
    """Rejects RLIMIT_AS that is set too late or not at all."""
    pool = ScanPool(workers=1, memory_bytes=1 << 30)
    try:
        pool.scan(png(symbol(VALVE, "DataMatrix")))
        assert idle_worker(pool).rlimit(psutil.RLIMIT_AS) == (1 << 30, 1 << 30)
    finally:
        pool.close()


def test_an_animated_png_gives_what_its_first_frame_shows(pool):
    """Rejects a reader that takes the last frame, and one that an animation stops."""
    shown, other = (Image.fromarray(symbol(data, "DataMatrix")) for data in (VALVE, VALVE.replace("0235", "0236")))
    animated = io.BytesIO()
    shown.save(animated, "PNG", save_all=True, append_images=[other], duration=100)
    assert animated.getvalue().count(b"fcTL") > 1
    assert [found.data for found in pool.scan(animated.getvalue()).symbols] == [VALVE_DATA]


def test_what_is_no_picture_is_refused_before_a_worker_is_started():
    """Rejects handing every upload to a worker: a flood of text files would keep the decoders busy."""
    pool = ScanPool(workers=1)
    try:
        with pytest.raises(NotAPicture):
            pool.scan(b"plain text")
        assert pool._idle.empty()
        pool.warm()
        assert idle_worker(pool).is_running()
        started = time.perf_counter()
        assert pool.scan(png(symbol(VALVE, "DataMatrix"))).symbols[0].data == VALVE_DATA
        assert time.perf_counter() - started < 5
    finally:
        pool.close()


def test_closing_the_pool_ends_a_worker_that_is_still_starting():
    """Rejects closing the pipe that the starting thread waits at: it would never learn that the process is gone."""
    for delay_s in (0.0, 0.05, 0.3):
        pool = ScanPool(workers=1)
        thread = threading.Thread(target=pool.warm)
        thread.start()
        threading.Event().wait(delay_s)
        pool.close()
        thread.join(timeout=20)
        assert not thread.is_alive()
        assert pool._idle.empty()
