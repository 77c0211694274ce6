"""`python -m demo.samples` fills an empty EDMS with marked samples, and refuses a system in use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BACKEND = Path(__file__).resolve().parents[2] / "backend"
REPORT = """
from apps.backup.models import BackupConfiguration, BackupJob
from apps.documents.models import Document
print(all("sample" in one.title for one in Document.objects.all()), Document.objects.count())
print(BackupJob.objects.exclude(configuration_name="sample_daily").count())
print(BackupConfiguration.objects.get().name)
for job in BackupJob.objects.order_by("queued_at"):
    print(job.status, job.trust, job.removed_at is not None)
"""
INVENTED = "COMPLETED VERIFIED True"


@pytest.mark.slow
def test_samples_are_marked_and_only_for_an_empty_system(tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "EDMS_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(BACKEND),
        "BACKUP_PASSWORD": "a passphrase",
    }

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    manage = BACKEND / "manage.py"
    assert run(manage, "migrate", "--verbosity", "0").returncode == 0
    first = run("-m", "demo.samples")
    assert first.returncode == 0, first.stderr
    lines = run(manage, "shell", "-v", "0", "-c", REPORT).stdout.splitlines()
    assert lines[:3] == ["True 24", "0", "sample_daily"]
    assert lines[3:] == [*[INVENTED] * 4, "FAILED  False", *[INVENTED] * 2, "COMPLETED VERIFIED False"]
    again = run("-m", "demo.samples")
    assert again.returncode == 1
    assert "Cannot add samples: the EDMS has 24 documents and 8 backup jobs already." in again.stderr
    assert "Nothing was changed." in again.stderr
