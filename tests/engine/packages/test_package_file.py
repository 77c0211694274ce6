"""Encrypted package files: verified before they are used, and compatible with gpg in both directions."""

import io
import os
import subprocess
import tarfile

import pytest
from tests.engine.packages.test_hostile import GOOD, file, folder, sums, write
from tests.engine.packages.test_writing import MANIFEST, NOW, media_of
from tests.engine.testing.gnupg import PASSPHRASE

from strongroom.entries import Folder, OnDisk, Stream
from strongroom.errors import PackageDamaged, PackageLocked, PackageRefused, PassphraseError
from strongroom.packages import extract, message_passphrase, open_package, package_file, write_package
from strongroom.packages.openpgp import Encryptor
from strongroom.passphrase import Passphrase

ENDING = ".tar.gz.gpg"


def passphrase():
    return Passphrase(PASSPHRASE.decode(), "a test")


def another():
    return Passphrase("another one", "a test")


def seal(path, *, count=0):
    """Encrypt a package of `write` beside it, with a cheap derivation of the passphrase."""
    target = io.BytesIO()
    encryptor = Encryptor(target, PASSPHRASE, count=count)
    encryptor.write(path.read_bytes())
    encryptor.finish()
    sealed_path = path.with_name(path.name + ".gpg")
    sealed_path.write_bytes(target.getvalue())
    return sealed_path


def good(tmp_path):
    return seal(write(tmp_path / "p.tar.gz", GOOD))


def cut_of(tmp_path, **files):
    media = media_of(tmp_path)
    for name, content in files.items():
        (media / name).write_bytes(content)
    return [MANIFEST, Folder(b"files", [OnDisk(b"media", os.fsencode(media))])]


def test_open_package_accepts_a_good_package(tmp_path):
    package = open_package(good(tmp_path), passphrase=passphrase)
    assert (package.total.files, package.total.folders) == (3, 2)
    with package.open_member("files/media/a.txt") as content:
        assert content.read(100) == b"hello"
    extract(package, {b"files/media": tmp_path / "out"})
    assert (tmp_path / "out/a.txt").read_bytes() == b"hello"
    assert PASSPHRASE.decode() not in repr(package)


def test_the_passphrase_is_read_only_for_an_encrypted_package(tmp_path):
    plain = write(tmp_path / "p.tar.gz", GOOD)

    def none():
        raise PassphraseError("There is no passphrase.")

    open_package(plain, passphrase=none)
    with pytest.raises(PassphraseError):
        open_package(seal(plain), passphrase=none)


def test_a_wrong_passphrase_is_not_reported_as_damage(tmp_path):
    path = good(tmp_path)
    with pytest.raises(PackageLocked, match="wrong passphrase, or damaged"):
        open_package(path, passphrase=another)


def test_a_plain_file_named_gpg_is_refused(tmp_path):
    path = write(tmp_path / "p.tar.gz.gpg", GOOD)
    with pytest.raises(PackageRefused, match="is not encrypted, although"):
        open_package(path, passphrase=passphrase)
    path.write_bytes(b"-----BEGIN PGP MESSAGE-----\n")
    with pytest.raises(PackageDamaged, match="not a binary OpenPGP message"):
        open_package(path, passphrase=passphrase)
    path.write_bytes(b"")
    with pytest.raises(PackageDamaged, match="not a binary OpenPGP message"):
        open_package(path, passphrase=passphrase)
    with pytest.raises(PackageRefused, match="There is no package"):
        open_package(tmp_path / "none.tar.gz.gpg", passphrase=passphrase)


def test_an_encrypted_file_with_another_name_is_opened(tmp_path):
    path = good(tmp_path).rename(tmp_path / "renamed.tar.gz")
    open_package(path, passphrase=passphrase)


def test_hostile_content_of_an_encrypted_package_is_refused(tmp_path):
    evil = [*GOOD, file("files/media/l", b"", type=tarfile.SYMTYPE, linkname="/etc")]
    with pytest.raises(PackageRefused, match="a symbolic link"):
        open_package(seal(write(tmp_path / "p.tar.gz", evil)), passphrase=passphrase)
    junk = tmp_path / "junk.tar.gz"
    junk.write_bytes(b"no gzip at all")
    with pytest.raises(PackageDamaged, match=r"not a \.tar\.gz"):
        open_package(seal(junk), passphrase=passphrase)


def test_any_change_of_an_encrypted_package_is_detected(tmp_path):
    path = good(tmp_path)
    content = path.read_bytes()
    changed = [content[:length] for length in range(0, len(content), 41)]
    for place, byte in enumerate(content):
        changed.append(content[:place] + bytes([byte ^ 1 << place % 8]) + content[place + 1 :])
    changed += [content + bytes(1), content + bytes(512), content + content]
    for one in changed:
        path.write_bytes(one)
        with pytest.raises(PackageRefused):
            open_package(path, passphrase=passphrase)


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("moment", ["member", "unpacking", "shorter", "longer", "gone"])
def test_a_package_that_changed_after_verification_is_refused(tmp_path, monkeypatch, moment, encrypted):
    monkeypatch.setattr(package_file, "PIECE", 200)
    path = good(tmp_path) if encrypted else write(tmp_path / "p.tar.gz", GOOD)
    package = open_package(path, passphrase=passphrase)
    content = path.read_bytes()
    # Intact, and encrypted with the same passphrase if encrypted, but not the package that was opened.
    other = write(tmp_path / "p.tar.gz", [*GOOD[:-1], file("files/media/b"), GOOD[-1]])
    other = (seal(other) if encrypted else other).read_bytes()
    path.write_bytes({"shorter": content[:-50], "longer": content + b"x", "gone": b""}.get(moment, other))
    with pytest.raises(PackageRefused, match="has changed while it was read"):
        _use(package, moment, tmp_path / "out")


def _use(package, moment, target):
    if moment == "member":
        with package.open_member("files/media/a.txt"):
            return
    extract(package, {b"files/media": target})


@pytest.mark.parametrize("text", ["two\nlines", "nul\0inside", "no utf-8 \udcff"])
def test_a_passphrase_that_gpg_cannot_read_is_refused_and_not_shown(tmp_path, text):
    with pytest.raises(PackageRefused, match="passphrase from a test") as caught:
        message_passphrase(Passphrase(text, "a test"))
    assert text not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(PackageRefused):
        write_package(tmp_path / f"p{ENDING}", cut_of(tmp_path), mtime_ns=NOW, passphrase=Passphrase(text, "a test"))
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


@pytest.mark.gpg
@pytest.mark.parametrize("compression", [True, False])
def test_gpg_and_tar_open_our_packages(gpg, tmp_path, compression):
    content = {"random": os.urandom(3_000_000), "text": b"the same again " * 200_000, "empty": b""}
    path = tmp_path / f"p{ENDING}"
    result = write_package(
        path, cut_of(tmp_path, **content), mtime_ns=NOW, passphrase=passphrase(), compression=compression
    )
    assert (result.size, path.stat().st_mode & 0o777) == (path.stat().st_size, 0o600)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(
        [
            *("bash", "-o", "pipefail", "-c"),
            'gpg --batch --passphrase-file "$1" -d "$2" | tar xz -C "$3"',
            *("bash", str(gpg.home / "passphrase"), str(path), str(out)),
        ],
        env={"PATH": os.environ["PATH"], "GNUPGHOME": str(gpg.home)},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    assert {one.name: one.read_bytes() for one in (out / "files/media").iterdir()} == content
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=out, check=True)


@pytest.mark.gpg
@pytest.mark.parametrize("options", [[], ["--compress-algo", "zlib"]])
def test_packages_encrypted_by_gpg_are_opened(gpg, tmp_path, options):
    plain = tmp_path / "p.tar.gz"
    write_package(plain, cut_of(tmp_path, a=os.urandom(2_000_000), b=b"text " * 1000), mtime_ns=NOW)
    common = ["--symmetric", "--cipher-algo", "AES256", *options]
    gpg.run(*common, str(plain))
    (tmp_path / f"q{ENDING}").write_bytes(gpg.run(*common, "-o", "-", stdin=plain.read_bytes()))
    for path in (tmp_path / f"p{ENDING}", tmp_path / f"q{ENDING}"):
        package = open_package(path, passphrase=passphrase)
        assert package.total == open_package(plain).total
        extract(package, {b"files/media": path.with_suffix(".out")})
        assert (path.with_suffix(".out") / "a").read_bytes() == (tmp_path / "media/a").read_bytes()


def test_a_failed_write_leaves_no_file(tmp_path):
    def refuse():
        raise RuntimeError("the lease is gone")

    class Broken:
        def read(self, size):
            raise OSError(5, "Input/output error")

        def close(self):
            pass

    target = tmp_path / f"p{ENDING}"
    with pytest.raises(RuntimeError):
        write_package(target, [MANIFEST], mtime_ns=NOW, passphrase=passphrase(), before_publish=refuse)
    with pytest.raises(PackageRefused, match="Input/output error"):
        write_package(target, [MANIFEST, Stream(b"data", Broken)], mtime_ns=NOW, passphrase=passphrase())
    assert list(tmp_path.iterdir()) == []


def test_write_package_verifies_and_reports_progress(tmp_path):
    seen = []
    write_package(
        tmp_path / f"p{ENDING}",
        cut_of(tmp_path, a=b"1", b=b"2"),
        mtime_ns=NOW,
        passphrase=passphrase(),
        reading=lambda files, size: seen.append((files, size)),
    )
    assert seen[0] == (0, 0)
    assert [files for files, _ in seen] == [0, 1, 2, 3, 4, 5]


def test_buffers_on_the_disk_are_encrypted(tmp_path, monkeypatch):
    from strongroom.packages import spool

    monkeypatch.setattr(spool, "_IN_MEMORY", 100)
    waiting = spool.Spool(tmp_path)
    waiting.write(b"in the clear " * 1000)
    waiting.write(b"and more")
    waiting._file.seek(0)
    assert b"clear" not in waiting._file.read()
    waiting.rewind()
    assert waiting.read(20) + waiting.read(20_000) == b"in the clear " * 1000 + b"and more"
    assert waiting.size == 13_008
    waiting.close()


def test_a_large_manifest_is_refused(tmp_path):
    members = [folder("files"), file("manifest.json", bytes(65 * 1024 * 1024))]
    with pytest.raises(PackageRefused, match="more than 67108864"):
        open_package(seal(write(tmp_path / "p.tar.gz", members, listed=sums(members))), passphrase=passphrase)
