"""The audit trail: every change is in it, with who and from where; whatever is done to it is seen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.backup.testing.stored_backup import ROOT

from apps.backup.models import AuditChain, AuditEvent
from apps.backup.services.actor import SYSTEM, Actor, acting, become, current_actor
from apps.backup.services.audit import AuditObject, audit_record, audit_verify

THING = AuditObject("thing", "4711", "a thing")


def write(count: int = 5) -> None:
    for number in range(count):
        audit_record("thing.change", THING, details={"number": number, "texts": ["a", None, True]})


def test_the_row_that_writers_lock_is_there_before_the_first_of_them(db):
    assert list(AuditChain.objects.values_list("id", "last_sequence")) == [(AuditChain.ONLY, 0)]


def test_a_whole_chain(db):
    assert audit_verify().events == 0
    write()
    report = audit_verify()
    assert (report.events, report.last_sequence, report.findings) == (5, 5, ())
    assert report.last_hash == AuditEvent.objects.get(sequence=5).hash
    assert not audit_verify(expect=AuditEvent.objects.get(sequence=2).hash).findings


CHANGES = {
    "sequence": 77,
    "at": datetime(2020, 1, 1, tzinfo=UTC),
    "actor": "somebody else",
    "actor_key": "9",
    "origin": "COMMAND",
    "address": "203.0.113.9",
    "request_id": "other",
    "action": "thing.leave",
    "object_type": "other",
    "object_key": "other",
    "object_name": "other",
    "details": {"number": 3},
    "previous_hash": "0" * 64,
    "hash": "0" * 64,
}


@pytest.mark.parametrize("field", [field.name for field in AuditEvent._meta.fields if field.name != "id"])
def test_every_field_of_every_event_counts(field, db):
    write()
    assert AuditEvent.objects.filter(sequence=3).update(**{field: CHANGES[field]}) == 1
    assert audit_verify().findings


@pytest.mark.parametrize("gone", [[1], [3], [5], [4, 5], [1, 2, 3, 4, 5]])
def test_removed_audit_events_are_detected(gone, db):
    write()
    AuditEvent.objects.filter(sequence__in=gone).delete()
    assert audit_verify().findings


def test_a_chain_made_anew_is_seen_by_whoever_has_noted_its_end(db):
    write()
    noted = audit_verify().last_hash
    AuditEvent.objects.all().delete()
    AuditChain.objects.all().delete()
    write(9)
    assert not audit_verify().findings
    assert "No event has the hash" in audit_verify(expect=noted).findings[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    details=st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.uuids(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=3,
    )
)
def test_chain_is_verified_with_any_details(db, details):
    audit_record("thing.change", AuditObject("thing", "\0\ud800" * 300, "n" * 1000), details=details)
    assert not audit_verify().findings


def test_writers_at_once_make_one_chain(edms):
    write_many = (
        "from apps.backup.services.audit import AuditObject, audit_record\n"
        "for number in range(25): audit_record('thing.change', AuditObject('thing'), details={'number': number})"
    )
    writers = [edms.start("shell", "--verbosity", "0", "--command", write_many) for _ in range(3)]
    for writer in writers:
        said = writer.communicate(timeout=60)
        assert writer.returncode == 0, said
    report = edms.json("backup_audit", "--verify")
    assert (report["events"], report["findings"]) == (75, [])


def test_a_change_that_is_rolled_back_leaves_no_event(db, admin):
    made = admin.post(f"{ROOT}configurations/", {"name": "x"}, "json").json()
    events = AuditEvent.objects.count()
    assert (
        admin.put(f"{ROOT}configurations/{made['uuid']}/", {"name": "x", "frequency": "DAILY"}, "json").status_code
        == 400
    )
    assert AuditEvent.objects.count() == events


def test_actors_do_not_mix():
    with acting(Actor("one")):
        become(Actor("two"))
        assert current_actor().name == "two"
    assert current_actor() == SYSTEM


def test_the_command(db, capsys):
    write()
    call_command("backup_audit", "--verify", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["events"], report["findings"]) == (5, [])
    call_command("backup_audit", "--verify", "--expect", report["last_hash"])
    call_command("backup_audit", "--action", "thing.", "--limit", "2", "--json")
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])["events"]
    assert [event["sequence"] for event in shown] == [4, 5]
    call_command("backup_audit", "--object", "unknown")
    assert "No events found." in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        call_command("backup_audit", "--expect", "0" * 64)
    assert ended.value.code == 1
    AuditEvent.objects.filter(sequence=2).update(actor="nobody")
    with pytest.raises(SystemExit) as ended:
        call_command("backup_audit", "--verify")
    assert ended.value.code == 1
    assert "Event 2 (thing.change by nobody) was changed after it was written." in capsys.readouterr().out


def test_commands_are_put_down_to_whoever_typed_them(edms):
    edms.run(
        "manage_backup_configs",
        "--create",
        "--name",
        "x",
        "--type",
        "FULL",
        "--frequency",
        "ON_DEMAND",
        "--yes",
        expect=None,
    )
    edms.run("manage_backup_configs", "--install-production")
    events = edms.json("backup_audit")["events"]
    assert {event["action"] for event in events} == {"configuration.create"}
    assert {event["origin"] for event in events} == {"COMMAND"}
    assert all("@" in event["actor"] for event in events)


def test_the_trail_over_http(admin, client_of, db):
    for number in range(3):
        admin.post(f"{ROOT}configurations/", {"name": f"c{number}"}, "json")
    page = admin.get(f"{ROOT}system/audit/", {"action": "configuration.", "limit": 2}).json()
    assert [event["object_name"] for event in page["results"]] == ["c2", "c1"]
    rest = admin.get(page["next"]).json()
    assert [event["object_name"] for event in rest["results"]] == ["c0"]
    assert rest["next"] is None
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert admin.get(f"{ROOT}system/audit/", {"after": tomorrow}).json()["results"] == []
    assert client_of().get(f"{ROOT}system/audit/").status_code == 403
