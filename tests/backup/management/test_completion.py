"""A shell completes the commands, their options, and the names of the configurations."""

import shutil
import subprocess

import pytest


@pytest.fixture
def ask(shell):
    script = shell.run("python manage.py backup_completion bash")

    def ask(*words: str) -> list[str]:
        asked = (
            script
            + """
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _edms_backup_python; echo "${COMPREPLY[@]}"; }
ask """
            + " ".join(f"'{word}'" for word in words)
        )
        return shell.run(asked).split()

    return ask


def test_commands_options_choices_and_names(ask):
    assert ask("python", "manage.py", "manage_b") == ["manage_backup_configs"]
    assert ask("python", "manage.py", "manage_backup_configs", "--inst") == ["--install-production"]
    assert ask("python", "manage.py", "trigger_backup", "--type", "DI") == ["DIFFERENTIAL"]
    assert ask("python", "manage.py", "trigger_backup", "--config", "production_m") == ["production_monthly_archive"]
    assert ask("python", "mana") == ["manage.py"]


def test_a_name_is_no_command_of_whoever_asks_for_it(ask, shell):
    """A user who may configure over HTTP gives the names; the shell is that of the administrator of the server."""
    for name in ("$(touch $EDMS_HOME/ran)", "`touch $EDMS_HOME/ran`", "two words"):
        shell.run(f"python manage.py manage_backup_configs --create --name '{name}' --type FULL --frequency ON_DEMAND")
    said = ask("python", "manage.py", "trigger_backup", "--config", "")
    assert {"$(touch", "`touch", "words", "production_daily_full"} <= set(said)
    assert ask("python", "manage.py", "trigger_backup", "--config", "$(t") == ["$(touch", "$EDMS_HOME/ran)"]
    assert ask("python", "manage.py", "trigger_backup", "--config", "two") == ["two", "words"]
    assert not (shell.edms.home / "ran").exists()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_accepts(shell, tmp_path, name):
    script = shell.run(f"python manage.py backup_completion {name}")
    assert "install-production" in script
    assert "_edms_backup_configurations" in script
    if shutil.which(name):
        (tmp_path / "script").write_text(script)
        subprocess.run([name, "-n", str(tmp_path / "script")], check=True)


def test_fish_completes_commands_options_and_names(shell, tmp_path):
    (tmp_path / "script").write_text(shell.run("python manage.py backup_completion fish"))
    fish = shutil.which("fish")
    assert "_edms_backup_configurations" in (tmp_path / "script").read_text()
    if fish:

        def ask(line: str) -> list[str]:
            said = shell.run(f"{fish} --no-config -c 'source {tmp_path}/script; complete -C \"{line}\"'")
            return [one.split("\t")[0] for one in said.splitlines()]

        assert ask("manage.py manage_b") == ["manage_backup_configs"]
        assert ask("python manage.py manage_backup_configs --inst") == ["--install-production"]
        assert ask("python manage.py trigger_backup --config production_m") == ["production_monthly_archive"]
