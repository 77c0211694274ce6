"""The paths that a selection includes, and the folders above them."""

from strongroom.selection import Selection

NAMES = [b"a", b"a!", b"a!/x", b"a/x", b"a/x/y", b"a/xy", b"a0", b"b", b"b/c", b"b/c/d", b"\xff/\x01"]


def test_a_selection_includes_everything_below_its_paths():
    chosen = [b"a", b"a!/x", b"b/c/d", b"\xff"]
    only = Selection(chosen)
    for name in NAMES:
        assert only.takes(name) == any(name == one or name.startswith(one + b"/") for one in chosen), name
        assert only.leads(name) == any(one.startswith(name + b"/") for one in chosen), name


def test_a_path_inside_another_is_dropped():
    assert Selection([b"a/x/y", b"a!", b"a", b"a/x"]).paths == [b"a", b"a!"]


def test_folders_above_a_selected_path_are_included():
    only = Selection([b"a/x"])
    assert (only.wants(b"a", folder=True), only.wants(b"a", folder=False)) == (True, False)
    assert only.wants(b"a/x/y", folder=False)
