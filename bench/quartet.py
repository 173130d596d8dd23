"""Capture of one XML 1.2 file by this server and by quartet_epcis, the EPCIS parser of QU4RTET, in one run.

Prints a ratio; never passes or fails on a time. Run: python3 dev.py bench quartet
quartet_epcis and Django go into an environment of their own below `.dev/`, made when it is not there. Both sides write
a SQLite file. Ours takes the document over HTTP to the end of its job, with rules, ledger and visibility; quartet_epcis
parses the file and saves its models within one transaction, as its own `parse` does, without HTTP. Rounds alternate.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

from bench.capture import Recorder, served
from bench.xml_capture import EVENTS, capture_seconds, document

ROUNDS: Final = 5
TARGET: Final = 20
ENVIRONMENT: Final = Path(__file__).resolve().parent.parent / ".dev" / "quartet"
PACKAGES: Final = ("quartet-epcis==4.1.5", "quartet-capture", "haikunator", "django>=5,<6")

_THEIRS: Final = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import django
from django.conf import settings
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "quartet_capture", "quartet_epcis"],
    USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField", LOGGING_CONFIG=None,
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from quartet_epcis.models.events import Event
from quartet_epcis.parsing.parser import QuartetParser
for line in sys.stdin:
    before = Event.objects.count()
    started = time.perf_counter()
    with open(line.strip(), "rb") as stream:
        QuartetParser(stream).parse()
    seconds = time.perf_counter() - started
    print(json.dumps([seconds, Event.objects.count() - before]), flush=True)
"""


def main() -> int:
    """Print seconds of each side for the same files, and how many times faster ours is."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as name, served(Path(name) / "data", None, Recorder([])) as client:
        folder = Path(name)
        command = [str(_environment()), "-c", _THEIRS, str(folder / "quartet.db")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
            for number in range(ROUNDS + 1):
                body, media_type = document(number, "1.2")
                file = folder / f"{number}.xml"
                file.write_bytes(body)
                our_s = capture_seconds(client, body, media_type)
                their_s = _parse(peer, file)
                if number:  # The first round warms both up.
                    ours.append(our_s)
                    theirs.append(their_s)
                    print(f"round {number}: ours {our_s:.2f} s, quartet_epcis {their_s:.2f} s", flush=True)
            peer.kill()
    ratios = [their_s / our_s for our_s, their_s in zip(ours, theirs, strict=True)]
    our_s, their_s = statistics.median(ours), statistics.median(theirs)
    print(
        f"{EVENTS} events of XML 1.2: ours {our_s:.2f} s, quartet_epcis {their_s:.2f} s:"
        f" {statistics.median(ratios):.1f} times faster ({min(ratios):.1f} to {max(ratios):.1f}; target {TARGET})"
    )
    return 0


def _parse(peer: "subprocess.Popen[str]", file: Path) -> float:
    assert peer.stdin is not None
    assert peer.stdout is not None
    peer.stdin.write(f"{file}\n")
    peer.stdin.flush()
    seconds, events = json.loads(peer.stdout.readline())
    assert events == EVENTS, f"quartet_epcis saved {events} of {EVENTS} events"
    return float(seconds)


def _environment() -> Path:
    """The interpreter of the environment that has quartet_epcis; made when it is not there."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print("installing quartet_epcis into an environment of its own", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


if __name__ == "__main__":
    raise SystemExit(main())
