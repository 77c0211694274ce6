"""What every test has: folders of its own instead of the installation's."""

import pytest


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    """No test writes to the installation's documents or backups."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BACKUP_STORAGE_ROOT = tmp_path / "backups"
