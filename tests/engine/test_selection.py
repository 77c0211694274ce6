"""Which paths a selection takes, and which folders lead to them."""

from strongroom.selection import Selection

NAMES = [b"a", b"a!", b"a!/x", b"a/x", b"a/x/y", b"a/xy", b"a0", b"b", b"b/c", b"b/c/d", b"\xff/\x01"]


def test_it_takes_what_is_below_whatever_else_sorts_beside_it():
    chosen = [b"a", b"a!/x", b"b/c/d", b"\xff"]
    only = Selection(chosen)
    for name in NAMES:
        assert only.takes(name) == any(name == one or name.startswith(one + b"/") for one in chosen), name
        assert only.leads(name) == any(one.startswith(name + b"/") for one in chosen), name


def test_one_inside_of_another_is_no_further_one():
    assert Selection([b"a/x/y", b"a!", b"a", b"a/x"]).paths == [b"a", b"a!"]


def test_what_leads_there_is_wanted_as_a_folder_only():
    only = Selection([b"a/x"])
    assert (only.wants(b"a", folder=True), only.wants(b"a", folder=False)) == (True, False)
    assert only.wants(b"a/x/y", folder=False)
