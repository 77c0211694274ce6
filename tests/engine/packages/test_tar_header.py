"""Tar headers equal those of Python's tarfile, byte for byte."""

import os
import tarfile

from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.packages import tar_header

NAMES = st.one_of(
    st.binary(min_size=1, max_size=20),
    st.integers(85, 1100).map(lambda length: b"n" * length),
    st.text(min_size=1, max_size=110).map(lambda text: text.encode("utf-8", "surrogatepass")),
).filter(lambda name: b"\0" not in name and not name.endswith(b"/"))
TIMES = st.integers(-(2**66), 2**66) | st.integers(-3, 2**34).map(lambda seconds: seconds * 10**9)
OWNERS = st.integers(0, 2**32 - 1) | st.sampled_from([0, 8**7 - 1, 8**7])


@settings(max_examples=400)
@given(
    kind=st.sampled_from([tar_header.FILE, tar_header.LINK, tar_header.FOLDER]),
    name=NAMES,
    target=NAMES | st.just(b""),
    size=st.integers(0, 2**60) | st.sampled_from([0, 8**11 - 1, 8**11]),
    mode=st.integers(0, 0o7777),
    owners=st.tuples(OWNERS, OWNERS),
    mtime_ns=TIMES,
)
def test_headers_equal_those_of_tarfile(kind, name, target, size, mode, owners, mtime_ns):
    info = tarfile.TarInfo(os.fsdecode(name))
    info.type, info.linkname, info.size, info.mode = kind, os.fsdecode(target), size, mode
    info.uid, info.gid = owners
    info.mtime = mtime_ns // 10**9
    if mtime_ns % 10**9 or mtime_ns < 0:
        sign, rest = ("-", -mtime_ns) if mtime_ns < 0 else ("", mtime_ns)
        info.pax_headers = {"mtime": f"{sign}{rest // 10**9}.{rest % 10**9:09d}"}
    if kind == tar_header.FOLDER:
        name += b"/"

    header = tar_header.Header(kind, name, size, mode, *owners, mtime_ns, target)

    assert header.encode() == info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    assert header.length == len(header.encode())
