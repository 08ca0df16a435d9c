"""A full disk: one clear sentence, the old state intact, and the operation can be done once there is room."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from index.database import migrate
from tests.index_crashes import OPERATIONS, Place, copy_home, make_inputs, people_by_content, run_until
from tests.test_index_crashes import BEFORE, assert_recovers

DISK_KILOBYTES = 16_384


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_KILOBYTES}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all space that is left."""
    filler, free = folder / "filler", os.statvfs(folder)
    filler.write_bytes(bytes(free.f_bavail * free.f_bsize))
    return filler


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_full_disk_is_said_and_changes_nothing(
    tmp_path: Path, small_disk: Path, inputs: Place, operation: str
) -> None:
    template = replace(inputs, home=tmp_path / "template")
    for earlier in BEFORE[operation]:
        OPERATIONS[earlier](template)
    with template.open() as index:
        before, database = people_by_content(index), index.database.engine.url
    if operation == "migrate":
        migrate(database, "0001")
    roomy = copy_home(template, tmp_path / "roomy")
    OPERATIONS[operation](roomy)
    with roomy.open() as index:
        after = people_by_content(index)
    place = copy_home(template, small_disk / "home")
    filler = fill(small_disk)
    outcome = run_until(operation, place, None)
    assert outcome.code == 1
    assert "full" in outcome.message
    filler.unlink()
    assert_recovers(place, operation, before, after)
