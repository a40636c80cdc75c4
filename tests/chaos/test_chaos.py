"""A short chaos as an ordinary test; and that its judges see what they should."""

import subprocess
import sys
import threading

import pytest

from tests.chaos import hands
from tests.chaos.clock import build
from tests.chaos.disk import small_disk
from tests.chaos.network import Write
from tests.chaos.play import play
from tests.chaos.scene import Wanted


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database", "roles", "kinds"),
    [
        (
            "postgresql",
            ("web", "worker", "worker"),
            ("daemon killed", "daemon frozen", "database crashed", "network stalled"),
        ),
        ("sqlite", ("all",), ("all killed", "answers lost", "daemon frozen", "network cut")),
    ],
)
def test_a_short_chaos_ends_with_every_number_right(database, roles, kinds):
    story: list[str] = []
    wanted = Wanted(database=database, roles=roles, seconds=15.0, seed=7, kinds=kinds, pause=(0.5, 1.5))
    outcome = play(wanted, story.append)
    assert outcome.wrong == [], "\n".join(story)
    assert not [thread.name for thread in threading.enumerate() if thread.name in ("network", "people", "observer")]


LEASES = [(10.0, "store:2", 7, True), (20.0, "store:2", 7, False), (21.0, "store:2", 8, True)]


@pytest.mark.parametrize(
    ("at", "pid", "is_stray"),
    [
        (15.0, 7, False),
        (15.0, 8, True),  # never had it
        (20.8, 7, False),  # within the tolerance
        (21.5, 7, True),  # had given it back
        (25.0, 7, True),  # frozen beyond its lease, and then wrote
        (25.0, 8, False),
        (500.0, 8, False),  # ran out, and nobody took it
        (25.0, None, False),  # not a daemon
    ],
)
def test_a_write_of_a_process_without_the_lease_is_seen(at, pid, is_stray):
    found = hands.without_lease([Write(at=at, wire="shopify", pid=pid)], LEASES, {"shopify": "store:2"})
    assert bool(found) is is_stray


def test_a_small_disk_fills_up_to_the_last_byte_and_is_gone_at_the_end():
    with small_disk(16) as disk:
        if not disk.is_small:
            pytest.skip("a disk of its own can be mounted by root only")
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "one").write_bytes(b"x" * 4096)
        (disk.folder / "one").unlink(missing_ok=True)
        disk.empty()
        (disk.folder / "one").write_bytes(b"x" * 4096)
    assert not disk.folder.exists()


def test_a_stepped_clock_moves_the_time_of_day_of_a_running_process_and_no_steady_counter(tmp_path):
    stepped = build(tmp_path)
    if stepped is None:
        pytest.skip("there is no C compiler here")
    ask = (
        "import datetime, time\nfor _ in range(2): input();"
        " print(datetime.datetime.now().timestamp(), time.monotonic(), flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", ask], env=stepped.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        told = []
        for seconds in (0.0, 7200.0):
            stepped.step(seconds)
            process.stdin.write("\n")
            process.stdin.flush()
            told.append([float(number) for number in process.stdout.readline().split()])
    (day, steady), (day_later, steady_later) = told
    assert 7200 <= day_later - day < 7260
    assert 0 <= steady_later - steady < 60
