"""Versions and grants of MariaDB and MySQL, read without a server."""

from hypothesis import given
from hypothesis import strategies as st

from apps.backup.restores.engines.mysql.grants import Rights, like_pattern, parse_grants
from apps.backup.restores.engines.mysql.stage import parse_version


def test_versions():
    assert parse_version("10.11.19-MariaDB-0+deb12u1") == ("MariaDB", (10, 11, 19))
    assert parse_version("8.0.36-0ubuntu0.22.04.1") == ("MySQL", (8, 0, 36))
    assert parse_version("strange") == ("MySQL", ())


def test_grants():
    grants = parse_grants(
        [
            "GRANT USAGE ON *.* TO `u`@`h` IDENTIFIED BY PASSWORD '*0D3'",
            "GRANT ALL PRIVILEGES ON `my\\_edms%`.* TO `u`@`h` WITH GRANT OPTION",
            "GRANT SELECT, INSERT ON `a``_`.* TO `u`@`h`",
            "GRANT SELECT, INSERT (id) ON `one`.`table` TO `u`@`h`",
            "GRANT `role` TO `u`@`h`",
        ]
    )
    rights = Rights("u@h", grants)
    wanted = frozenset({"SELECT", "DROP"})
    assert rights.missing("my_edms_new", wanted) == []
    assert rights.missing("myxedms_new", wanted) == ["DROP", "SELECT"]
    assert rights.missing("a`b", wanted) == ["DROP"]
    assert rights.missing("one", wanted) == ["DROP", "SELECT"]
    assert rights.may_define_for("u@h")
    assert not rights.may_define_for("v@h")
    assert Rights("u@h", parse_grants(["GRANT SUPER ON *.* TO `u`@`h`"])).may_define_for("v@h")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(max_size=3))
def test_a_name_without_wildcards_is_matched_by_nothing_else(name, other):
    rights = Rights("u@h", [(like_pattern(name), frozenset({"ALL PRIVILEGES"}))])
    assert rights.missing(name, frozenset({"DROP"})) == []
    if other != name:
        assert rights.missing(other, frozenset({"DROP"})) == ["DROP"]
