"""The sources of the passphrase; it is never shown."""

import pickle
import traceback

import pytest

from strongroom.errors import PassphraseError
from strongroom.passphrase import Passphrase, passphrase_source, read_passphrase

SECRET = "sésame"


def test_the_first_source_that_is_set_wins(tmp_path):
    file = tmp_path / "key"
    file.write_text("from-file")
    everything = {
        "BACKUP_PASSWORD_COMMAND": "echo from-command",
        "BACKUP_PASSWORD_FILE": str(file),
        "BACKUP_PASSWORD": "from-value",
    }
    assert read_passphrase(everything).reveal() == "from-command"
    del everything["BACKUP_PASSWORD_COMMAND"]
    assert read_passphrase(everything).reveal() == "from-file"
    # An empty variable counts as not set.
    everything["BACKUP_PASSWORD_FILE"] = ""
    assert read_passphrase(everything).reveal() == "from-value"
    assert passphrase_source(everything) == "BACKUP_PASSWORD"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_and_white_space_are_removed(tmp_path, encoding):
    file = tmp_path / "key"
    file.write_bytes(f"\t {SECRET} with space \r\n\n".encode(encoding))
    assert read_passphrase({"BACKUP_PASSWORD_FILE": str(file)}).reveal() == f"{SECRET} with space"


def test_a_value_is_not_changed():
    assert read_passphrase({"BACKUP_PASSWORD": " x "}).reveal() == " x "


def test_a_command_is_split_into_words_and_run_without_a_shell(tmp_path):
    command = f"printf '%s' '{SECRET} $HOME'"
    assert read_passphrase({"BACKUP_PASSWORD_COMMAND": command}).reveal() == f"{SECRET} $HOME"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "BACKUP_PASSWORD_FILE"),
        ({"BACKUP_PASSWORD": ""}, "No passphrase is set"),
        ({"BACKUP_PASSWORD_COMMAND": "true"}, "empty"),
        ({"BACKUP_PASSWORD_COMMAND": "sh -c 'echo geheim; exit 3'"}, "code 3"),
        ({"BACKUP_PASSWORD_COMMAND": "/nowhere/at/all"}, "cannot start"),
        ({"BACKUP_PASSWORD_COMMAND": "echo 'geheim"}, "quotes"),
        ({"BACKUP_PASSWORD_COMMAND": r"printf '\377geheim'"}, "not valid utf-8"),
        ({"BACKUP_PASSWORD_COMMAND": "head -c 100000 /dev/zero"}, "too many for a passphrase"),
        ({"BACKUP_PASSWORD_FILE": "/nowhere/key"}, "/nowhere/key"),
        ({"BACKUP_PASSWORD_FILE": "/"}, "cannot read"),
        ({"BACKUP_PASSWORD_FILE": "/dev/null"}, "empty"),
    ],
)
def test_a_bad_source_is_refused_without_showing_the_passphrase(variables, says):
    with pytest.raises(PassphraseError, match=says) as caught:
        read_passphrase(variables)
    assert "geheim" not in str(caught.value)
    assert "geheim" not in str(caught.value.__cause__)


def test_a_passphrase_is_not_shown():
    passphrase = Passphrase(SECRET, "BACKUP_PASSWORD")
    shown = f"{passphrase} {passphrase!r} {[passphrase]} {vars(type(passphrase))}"
    assert SECRET not in shown
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(passphrase)
    try:
        raise ValueError(passphrase)
    except ValueError:
        assert SECRET not in traceback.format_exc()
