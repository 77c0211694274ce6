"""Access that a restore brings back is named before the swap, and removed on request."""

from __future__ import annotations

import datetime
import json
import shutil
import sqlite3
import sys
import uuid

import pytest
from django.apps import apps
from django.conf import settings as project
from django.contrib import admin
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connections
from django.db.models import BooleanField, EmailField
from django.test.utils import isolate_apps
from django.utils import timezone
from django.utils.connection import ConnectionDoesNotExist
from rest_framework.authtoken.models import Token
from tests.backup.testing.mysql_places import connected

from apps.backup.doctor.environment import settings_findings
from apps.backup.errors import RestoreFailed
from apps.backup.restores.access.accounts import account_gains
from apps.backup.restores.access.compare import compare_access, remove_access
from apps.backup.restores.access.models import access_elsewhere
from apps.backup.restores.access.staged_models import STAGED, model_named, models_in
from apps.backup.restores.journal import Component, Kind
from apps.backup.restores.planning.access import _of_database
from apps.backup.restores.planning.plan import Plan

ALIAS = "doors"
NOW = timezone.now()
LATER = NOW + datetime.timedelta(days=1)
BLACKLIST = "rest_framework_simplejwt.token_blacklist"


@pytest.fixture
def blacklist(monkeypatch):
    """The models of signed tokens, installed for one test; they look at the settings when they are imported."""
    registry = dict(admin.site._registry)
    monkeypatch.setattr(admin.site._wrapped, "_registry", registry)
    monkeypatch.setattr(project, "INSTALLED_APPS", [*project.INSTALLED_APPS, BLACKLIST])
    imported = sys.modules.get(f"{BLACKLIST}.models")
    if imported is not None and imported.OutstandingToken._meta.abstract:
        # Another test has imported them without having them installed.
        for name in [name for name in sys.modules if name.startswith(BLACKLIST)]:
            del sys.modules[name]
    try:
        apps.set_installed_apps(project.INSTALLED_APPS)
        yield (
            apps.get_model("token_blacklist.OutstandingToken"),
            apps.get_model("token_blacklist.BlacklistedToken"),
        )
    finally:
        apps.unset_installed_apps()


def tables():
    found = [ContentType, Permission, Group, User, Session, Token]
    if apps.is_installed(BLACKLIST):
        found += apps.get_app_config("token_blacklist").get_models()
    return found


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mysql", marks=pytest.mark.mariadb),
    ]
)
def databases(request, tmp_path, django_db_blocker, blacklist):
    """A database of each kind as the live one, another as the staged one, both with empty tables."""
    live, staged = (f"doors_{word}_{uuid.uuid4().hex[:8]}" for word in ("live", "staged"))
    server = None
    if request.param == "sqlite":
        live, staged = str(tmp_path / live), str(tmp_path / staged)
        url = f"sqlite:///{live}"
    else:
        server = request.getfixturevalue({"postgresql": "postgres", "mysql": "mariadb"}[request.param])
        for name in (live, staged):
            server.create_database(name)
        url = server.url(live)
    with django_db_blocker.unblock(), connected(ALIAS, url, tmp_path):
        component = Component(
            kind=Kind(request.param), name=ALIAS, live=live, staged=staged, kept=f"{live}.old", had_live=True
        )
        for place in (live, staged):
            with models_in(component, place, STAGED), connections[STAGED].schema_editor() as editor:
                for model in tables():
                    editor.create_model(model)
        yield component
    if server is not None:
        for name in (live, staged):
            server.drop_database(name)


def people(alias, *, live):
    """Accounts at the backup, and what became of them since."""
    rows = User.objects.using(alias)
    rows.create(username="same", password="s", is_active=True)
    rows.create(username="off", password="o", is_active=not live, is_superuser=True)
    rows.create(username="less", password="l", is_superuser=not live, is_staff=not live)
    now, then = ("new", "anna@new.example"), ("old", "anna@old.example")
    rows.create(username="changed", **dict(zip(("password", "email"), now if live else then, strict=True)))
    rows.create(username="grown", password="g", is_superuser=live)
    rows.create(username="idle", password="i", is_active=False, is_superuser=True)
    if not live:
        rows.create(username="gone\x1b[2J", password="x")
    kind = ContentType.objects.using(alias).create(app_label="docs", model="paper")
    right = Permission.objects.using(alias).create(content_type=kind, codename="burn_paper", name="burn")
    group = Group.objects.using(alias).create(name="editors")
    if not live:
        group.permissions.add(right)
        rows.get(username="grown").user_permissions.add(right)
    rows.get(username="same").groups.add(group)


def entries(alias, *keys):
    user = User.objects.using(alias).get(username="same")
    for key in keys:
        Session.objects.using(alias).create(session_key=key, session_data="", expire_date=LATER)
    Session.objects.using(alias).create(session_key="old", session_data="", expire_date=NOW)
    Token.objects.using(alias).create(key="t" * 40 if keys else "u" * 40, user=user)


def signed(blacklist, alias, given_out, revoked):
    outstanding, blacklisted = blacklist
    for name in given_out:
        row = outstanding.objects.using(alias).create(jti=name, token="t", created_at=NOW, expires_at=LATER)
        if name in revoked:
            blacklisted.objects.using(alias).create(token=row)


def fill(component, blacklist):
    with models_in(component, component.staged, STAGED) as alias:
        people(alias, live=False)
        entries(alias, "kept", "ended", "closed")
        signed(blacklist, alias, ["a", "b"], [])
    with models_in(component, component.live, STAGED) as alias:
        people(alias, live=True)
        entries(alias)
        Session.objects.using(alias).create(session_key="kept", session_data="", expire_date=LATER)
        signed(blacklist, alias, ["a", "b", "since"], ["a"])


PROMOTED = "UPDATE auth_user SET is_superuser = true WHERE username = 'same'"
SQLITE = "CREATE TRIGGER {} AFTER DELETE ON authtoken_token BEGIN {}; END"
AGAIN = "INSERT INTO authtoken_token (key, created, user_id) VALUES (OLD.key, OLD.created, OLD.user_id)"
FUNCTION = "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NULL; END $$"
TRIGGER = "CREATE {0} TRIGGER {1} AFTER DELETE ON authtoken_token {2} FOR EACH ROW EXECUTE FUNCTION {1}()"
PLANTED = {
    Kind.SQLITE: (
        [SQLITE.format("again", AGAIN), SQLITE.format("more", PROMOTED)],
        "trigger again on authtoken_token, trigger more on authtoken_token. It can",
    ),
    Kind.POSTGRESQL: (
        [
            FUNCTION.format("again", AGAIN),
            # At the end of the transaction.
            TRIGGER.format("CONSTRAINT", "again", "DEFERRABLE INITIALLY DEFERRED"),
            FUNCTION.format("more", PROMOTED),
            TRIGGER.format("", "more", ""),
            "CREATE RULE quiet AS ON INSERT TO auth_group DO ALSO NOTHING",
        ],
        "function again(), function more(), rule quiet on auth_group, trigger again on authtoken_token,"
        " trigger more on authtoken_token. It can",
    ),
}


def test_restored_access_is_named_and_can_be_removed(databases, blacklist):
    fill(databases, blacklist)
    gone = r"gone\x1b[2J (not there now)"
    accounts = [
        f"accounts that are active again (2): off, {gone}",
        "accounts that become superusers (2): off, less",
        "accounts that become staff (1): less",
        "accounts that get rights which they do not have now (1): same (docs.burn_paper)",
        "accounts whose password is another one than now (1): changed",
        "accounts with another e-mail address, to which a new password can be sent (1): changed",
    ]
    assert compare_access([databases], now=NOW, tokens=True) == [
        *accounts,
        "rows of authtoken.Token that let in again, and were ended or deleted since: 1",
        "rows of sessions.Session that let in again, and were ended or deleted since: 2",
        "refresh tokens that are accepted again, and were revoked since (token_blacklist.BlacklistedToken): 1",
    ]

    assert remove_access([databases], now=NOW) == [
        "rows of authtoken.Token that were removed from the restored database: 1",
        "rows of sessions.Session that were removed from the restored database: 4",
        "refresh tokens that were revoked in the restored database (token_blacklist.BlacklistedToken): 3",
    ]
    assert compare_access([databases], now=NOW, tokens=True) == accounts
    with models_in(databases, databases.staged, STAGED) as alias:
        assert not Session.objects.using(alias).exists()
        assert not Token.objects.using(alias).exists()
        revoked = blacklist[1].objects.using(alias).values_list("token__jti", flat=True)
        assert sorted(revoked) == ["a", "b", "since"]
    with models_in(databases, databases.live, STAGED) as alias:
        assert (Session.objects.using(alias).count(), Token.objects.using(alias).count()) == (2, 1)
    with pytest.raises(ConnectionDoesNotExist):
        assert connections[STAGED]

    planted, names = PLANTED.get(databases.kind, ((), ""))
    with models_in(databases, databases.staged, STAGED) as alias, connections[alias].cursor() as cursor:
        Token.objects.using(alias).create(key="p" * 40, user=User.objects.using(alias).get(username="idle"))
        for statement in planted:
            cursor.execute(statement)
    if planted:
        with pytest.raises(RestoreFailed, match=r"rows of authtoken.Token \(1\) are there again"):
            remove_access([databases], now=NOW)
        said = compare_access([databases], now=NOW, tokens=False)
        assert said[:-1] == [*accounts[:1], "accounts that become superusers (3): same, off, less", *accounts[2:]]
        assert said[-1].startswith("code that may run at writes, and is not in the live database in this form")
        assert said[-1].partition(": ")[2].startswith(names)


@pytest.fixture
def files(tmp_path, django_db_blocker):
    """Two SQLite files without any table."""
    with django_db_blocker.unblock(), connected(ALIAS, f"sqlite:///{tmp_path}/live", tmp_path):
        for name in ("live", "staged"):
            sqlite3.connect(tmp_path / name).close()
        component = {"kind": Kind.SQLITE, "name": ALIAS, "kept": str(tmp_path / "old"), "had_live": True}
        yield Component(live=str(tmp_path / "live"), staged=str(tmp_path / "staged"), **component)


def make(component, place, *models):
    with models_in(component, place, STAGED), connections[STAGED].schema_editor() as editor:
        for model in models:
            editor.create_model(model)


def test_a_table_is_found_under_other_letters_and_as_a_view(files, tmp_path):
    make(files, files.live, ContentType, Permission, Group, User, Session)
    make(files, files.staged, ContentType, Permission, Group, User, Session)
    with models_in(files, files.staged, STAGED) as alias, connections[alias].cursor() as cursor:
        User.objects.using(alias).create(username="planted", is_superuser=True)
        Session.objects.using(alias).create(session_key="planted", session_data="", expire_date=LATER)
        cursor.execute("ALTER TABLE django_session RENAME TO other")
        cursor.execute("ALTER TABLE other RENAME TO Django_Session")
        cursor.execute("ALTER TABLE auth_user RENAME TO people")
        cursor.execute("CREATE VIEW auth_user AS SELECT * FROM people")
    assert "accounts that become superusers (1): planted" in compare_access([files], now=NOW, tokens=True)
    (removed,) = remove_access([files], now=NOW)
    assert removed == "rows of sessions.Session that were removed from the restored database: 1"


def test_an_account_of_the_project_s_own_model(files):
    """As Django's documentation shows one: without groups, and `is_admin` says what it may."""
    with isolate_apps("tests"):

        class Person(AbstractBaseUser):
            mail = EmailField(unique=True)
            is_admin = BooleanField(default=False)
            USERNAME_FIELD = EMAIL_FIELD = "mail"

            class Meta:
                app_label = "tests"

        make(files, files.live, Person)
        make(files, files.staged, Person)
        with models_in(files, files.staged, "old") as old, models_in(files, files.live, "new") as new:
            for alias, is_admin in ((old, True), (new, False)):
                Person._base_manager.using(alias).create(mail="a@b.example", password="p", is_admin=is_admin)
            said = ["accounts with a mark that they do not have now (1): a@b.example (is_admin)"]
            assert list(account_gains(Person, old, new)) == said


def test_incomparable_access_is_named(files, settings, tmp_path):
    assert compare_access([files], now=NOW, tokens=True) == []
    make(files, files.staged, ContentType, Permission, Group, User, Session)
    assert compare_access([files], now=NOW, tokens=True) == [
        "there are no accounts now (auth.User): those of the backup come back as they were"
    ]
    files.had_live = False
    (said,) = compare_access([files], now=NOW, tokens=True)
    assert said == f"there is no live database '{ALIAS}': accounts, sessions and tokens come back as they were"
    files.had_live = True
    (tmp_path / "live").write_bytes(b"no database at all" * 100)
    (said,) = compare_access([files], now=NOW, tokens=True)
    assert said.endswith("file is not a database")
    settings.BACKUP_ACCESS_MODELS = ["auth.Nothing"]
    (said,) = compare_access([files], now=NOW, tokens=True)
    assert "BACKUP_ACCESS_MODELS: there is no model 'auth.Nothing'" in said
    with pytest.raises(RestoreFailed, match="BACKUP_ACCESS_MODELS"):
        remove_access([files], now=NOW)
    (finding,) = settings_findings()
    assert (finding.id, "'auth.Nothing'" in finding.what) == ("backup.W001", True)
    settings.BACKUP_ACCESS_MODELS, settings.SESSION_ENGINE = [], "nothing.at.all"
    (finding,) = settings_findings()
    assert finding.what == "SESSION_ENGINE 'nothing.at.all' cannot be loaded: No module named 'nothing'"
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert settings_findings() == []


def test_irremovable_access_is_named(settings):
    assert list(access_elsewhere()) == []
    backends, jwt = "django.contrib.sessions.backends", "rest_framework_simplejwt.authentication.JWTAuthentication"
    for engine, word in (("signed_cookies", "SECRET_KEY"), ("cache", "clear"), ("cached_db", "clear")):
        settings.SESSION_ENGINE = f"{backends}.{engine}"
        (said,) = access_elsewhere()
        assert word in said
    settings.SESSION_ENGINE = f"{backends}.db"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [jwt]}
    (said,) = access_elsewhere()
    assert said.startswith("signed tokens (JWT)")


def test_a_model_in_the_place_of_a_known_one_is_taken(settings):
    """As KNOX_TOKEN_MODEL and OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL name one."""
    assert model_named("auth.User") is User
    settings.AUTH_USER_MODEL = "auth.Group"
    assert model_named("auth.User") is Group
    settings.AUTH_USER_MODEL = "auth.Nothing"
    assert model_named("auth.User") is None


def test_models_of_the_project_are_removed_too(files, settings):
    settings.BACKUP_ACCESS_MODELS = ["auth.Group"]
    make(files, files.staged, ContentType, Permission, Group, User)
    with models_in(files, files.staged, STAGED) as alias:
        Group.objects.using(alias).create(name="guests")
    assert remove_access([files], now=NOW) == ["rows of auth.Group that were removed from the restored database: 1"]
    with models_in(files, files.staged, STAGED) as alias:
        assert not Group.objects.using(alias).exists()
        group = Group.objects.using(alias).create(name="guests")
        User.objects.using(alias).create(username="anna").groups.add(group)
    # Rows that refer to them are not removed with them.
    with pytest.raises(RestoreFailed, match="--keep-access"):
        remove_access([files], now=NOW)
    with models_in(files, files.staged, STAGED) as alias:
        assert User.objects.using(alias).get().groups.count() == 1


def test_the_plan_names_a_further_database():
    plan = Plan("a backup", "its job", "FULL_RESTORE", "")
    said = [list(_of_database(alias, {"auth_user": 3}, plan)) for alias in ("default", "second")]
    assert said == [
        ["users (auth.User): 3 in the backup, none now"],
        ["users (auth.User) of the database 'second': 3 in the backup, none now"],
    ]


SEED = """
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
User.objects.create_superuser("boss")
Session.objects.create(session_key="s", session_data="", expire_date=timezone.now().replace(year=2200))
"""
SINCE = """
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
User.objects.filter(username="boss").update(is_active=False)
Session.objects.all().delete()
"""
LEFT = "SELECT count(*) FROM django_session"


def test_a_package_of_another_system_brings_no_sessions(edms, tmp_path):
    package = tmp_path / "theirs.tar.gz"
    edms.run("shell", "-v0", "-c", SEED)
    edms.run("trigger_backup", "--type", "FULL", "--output", str(package))
    edms.run("shell", "-v0", "-c", SINCE)
    ours = tmp_path / "renamed.tar.gz"
    shutil.copy(package, ours)
    plan = json.loads(edms.run("restore_backup", str(ours), "--dry-run", "--json").stdout)
    assert not plan["drop_access"]
    assert "sessions (sessions.Session): 1 in the backup, 0 now" in plan["access"]
    assert any("ended or deleted since, unless the restore is asked to remove them" in line for line in plan["access"])

    edms.environment["DJANGO_SECRET_KEY"] = "another system " * 5
    restored = json.loads(edms.run("restore_backup", str(ours), "--yes", "--json").stdout)
    assert "accounts that become superusers (1): boss" in restored["notes"]
    assert "rows of sessions.Session that were removed from the restored database: 1" in restored["notes"]
    assert edms.rows(LEFT) == [(0,)]
    kept = json.loads(edms.run("restore_backup", str(ours), "--dry-run", "--json", "--keep-access").stdout)["access"]
    assert [line for line in kept if line.startswith("the backup was made under another SECRET_KEY")]
    assert not [line for line in plan["access"] if "SECRET_KEY" in line]
    # The settings of the second restore decide, as asked.
    asked = ("--yes", "--json", "--no-safety-backup")
    restored = json.loads(edms.run("restore_backup", str(ours), "--keep-access", *asked).stdout)
    assert edms.rows(LEFT) == [(1,)]
    # A rollback brings back access, too.
    edms.run("shell", "-v0", "-c", SINCE)
    rolled_back = json.loads(edms.run("restore_backup", "--rollback", restored["restore"], *asked).stdout)
    assert "accounts that are active again (1): boss" in rolled_back["notes"]
    assert "accounts that become superusers (1): boss" in rolled_back["notes"]
