"""Give every test folders of its own, order the files, and choose the tests of `make test-fast`."""

import os
from pathlib import Path

import pytest

# Their assertions show what they compare, as those of the tests do.
pytest.register_assert_rewrite("tests.backup.testing", "tests.engine.testing")

# The image takes minutes to be built: `make image` does, and says where.
collect_ignore = [] if "EDMS_IMAGE" in os.environ else ["image"]

# Files run whole, one after the other, on whichever processor is free: the longest first, so that none is left for the
# end, when the other processor has nothing more to do.
LONGEST = (
    "backup/retention/test_execution.py",
    "backup/executors/test_deliveries.py",
    "backup/management/test_commands.py",
    "backup/restores/test_round_trip.py",
    "backup/restores/test_rehearsals.py",
    "backup/restores/test_shapes.py",
    "backup/jobs/test_kills.py",
    "demo/test_story.py",
    "hosts/test_quick.py",
    "frontend/test_components.py",
    "backup/services/test_month.py",
    "backup/executors/test_agent.py",
    "backup/portable/test_directions.py",
    "backup/portable/test_import.py",
    "backup/executors/test_cancel.py",
    "backup/management/test_encrypted_packages.py",
    "backup/executors/test_worker_loss.py",
    "backup/restores/test_failures.py",
    "backup/sources/test_capture.py",
    "backup/api/test_restores.py",
    "backup/api/test_fuzzing.py",
    "backup/restores/test_killed.py",
    "backup/management/test_mission.py",
    "containers/test_services.py",
    "backup/executors/test_beat.py",
    "engine/test_cli.py",
    "backup/sources/test_postgresql.py",
    "backup/doctor/test_brokers.py",
    "engine/packages/test_openpgp.py",
    "engine/prune/test_crashes.py",
    "backup/executors/test_postgresql.py",
)


# `make test-fast` leaves out a test that takes long, needs a program of others, or drives a project in processes.
_SLOW_MARKS = {"slow", "restic", "gpg", "postgresql", "mariadb"}
_SLOW_FIXTURES = {"migrated_home", "host", "sqlite_host", "zoo", "installation"}
_SLOW_FOLDERS = {"containers", "demo", "e2e", "frontend", "hosts"}


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="leave out what takes long (make test-fast)")


def pytest_collection_modifyitems(config, items):
    """Sort the files, and leave the tests of each as they are; with --fast, drop the slow ones."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    if config.getoption("fast"):
        slow = {item for item in items if item.path in places or _is_slow(item)}
        config.hook.pytest_deselected(items=list(slow))
        items[:] = [item for item in items if item not in slow]
    items.sort(key=lambda item: places.get(item.path, len(places)))


def _is_slow(item):
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    marks = {mark.name for mark in item.iter_markers()}
    return folder in _SLOW_FOLDERS or bool(marks & _SLOW_MARKS or set(item.fixturenames) & _SLOW_FIXTURES)


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    """No test writes to the installation's documents or backups."""
    settings.EDMS_HOME = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BACKUP_STORAGE_ROOT = tmp_path / "backups"
