"""`python -c` in the image has Django set up; nothing else that Python starts has."""

import os
import subprocess
import sys

import pytest
from tests.containers.files import ROOT

PRINT = "import sys; print('django.apps' in sys.modules)"
CHILD = """
import multiprocessing, sys
def report(queue):
    queue.put("django.apps" in sys.modules)
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=report, args=(queue,))
    process.start()
    print(queue.get())
    process.join()
"""


def run(tmp_path, *words, settings="config.settings"):
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'docker/site'}:{ROOT / 'backend'}",
        "EDMS_HOME": str(tmp_path / "home"),
        **({"DJANGO_SETTINGS_MODULE": settings} if settings else {}),
    }
    done = subprocess.run(
        [sys.executable, *words], check=False, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_snippet_may_use_models(tmp_path):
    program = "from apps.backup.models import BackupConfiguration\nprint(BackupConfiguration._meta.label)"
    assert run(tmp_path, "-c", program) == "backup.BackupConfiguration"


def test_without_settings_it_is_plain_python(tmp_path):
    assert run(tmp_path, "-c", PRINT, settings="") == "False"


@pytest.mark.parametrize("words", [("-c", PRINT, "argument"), ("-B", "-c", PRINT), ("-m", "told")])
def test_other_command_lines_are_plain_python(tmp_path, words):
    (tmp_path / "told.py").write_text(PRINT)
    assert run(tmp_path, *words) == "False"


def test_scripts_and_their_children_are_plain_python(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(CHILD)
    assert run(tmp_path, str(script)) == "False"


def test_settings_that_are_wrong_are_said(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "print('on')"],
        check=False,
        env={"PYTHONPATH": str(ROOT / "docker/site"), "DJANGO_SETTINGS_MODULE": "nothing.of.that.name"},
        capture_output=True,
        text=True,
    )
    assert "Error in sitecustomize" in done.stderr
    assert "nothing" in done.stderr
