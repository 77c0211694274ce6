"""Serve the snapshots of a repository as read-only WebDAV folders, for `strongroom mount`.

The addresses begin with a random token, because every user of the machine can connect to a local port. Folders are
those of `restic mount`: `ids/ID/…`. Any byte range of a file is read without the bytes before it.
"""

from __future__ import annotations

import hmac
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit
from xml.sax.saxutils import escape

from strongroom.downloads.file import FileDownload
from strongroom.errors import SnapshotNotFound, StrongroomError
from strongroom.format.tree import Node, NodeKind
from strongroom.repository import Index, Repository
from strongroom.snapshots import SnapshotView

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z", re.ASCII)
_MOST_ASKED = 1 << 20
_READ_ONLY = "GET, HEAD, OPTIONS, PROPFIND"


class Tree:
    """The folders that are served: `ids/`, in it one folder for each snapshot, and their contents."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self._repository = repository
        self._index = index

    def find(self, path: bytes) -> tuple[SnapshotView | None, Node] | None:
        """Return the node at a path, with the view that reads it; None if there is none. Raises StrongroomError."""
        first, _, rest = path.strip(b"/").partition(b"/")
        if not first or (first == b"ids" and not rest):
            return None, _folder(first)
        identity, _, inside = rest.partition(b"/")
        if first != b"ids":
            return None
        try:
            snapshot = self._repository.snapshot(identity.decode("ascii", "replace"))
        except SnapshotNotFound:
            return None
        view = SnapshotView(self._repository, snapshot, self._index)
        if not inside:
            return view, Node(name=identity, kind=NodeKind.DIR, mtime_ns=snapshot.time_ns, subtree=snapshot.tree)
        node = view.find(inside)
        return None if node is None else (view, node)

    def children(self, path: bytes, view: SnapshotView | None, node: Node) -> Iterator[Node]:
        """Yield the files and folders in a folder; links and special files are left out."""
        if view is not None:
            if node.subtree is not None:
                yield from (one for one in view.nodes(node.subtree) if one.kind in {NodeKind.FILE, NodeKind.DIR})
        elif not path.strip(b"/"):
            yield _folder(b"ids")
        else:
            for snapshot in self._repository.readable_snapshots()[0]:
                yield Node(name=snapshot.id[:8].encode(), kind=NodeKind.DIR, mtime_ns=snapshot.time_ns)


class Server(ThreadingHTTPServer):
    """A server on 127.0.0.1. `address` is the secret address of its root. Port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, tree: Tree, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.tree = tree
        self.token = secrets.token_urlsafe(24)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that has closed its connection; report any other error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout: ClassVar[float] = 60.0

    def log_message(self, format: str, *args: object) -> None:
        """Write no log: the addresses hold the token."""

    def do_OPTIONS(self) -> None:
        self._answer(HTTPStatus.OK, headers={"DAV": "1", "Allow": _READ_ONLY, "MS-Author-Via": "DAV"})

    def do_PROPFIND(self) -> None:
        if self._skip_body():
            self._answer_or_explain(self._list)

    def do_HEAD(self) -> None:
        self._answer_or_explain(self._send)

    def do_GET(self) -> None:
        self._answer_or_explain(self._send)

    def _answer_or_explain(self, answer: Callable[[], None]) -> None:
        """Answer with the error if the repository is damaged or its storage is away."""
        try:
            answer()
        except StrongroomError as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}\n".encode())

    def _list(self) -> None:
        found = self._find()
        if found is None:
            return
        path, view, node = found
        depth = self.headers.get("Depth", "1")
        if depth == "infinity":
            self._answer(HTTPStatus.FORBIDDEN, b"Depth: infinity is not supported. Use 0 or 1.\n")
            return
        entries = [(path, node)]
        if depth == "1" and node.kind is NodeKind.DIR:
            entries += [
                (path.rstrip(b"/") + b"/" + one.name, one) for one in self.server.tree.children(path, view, node)
            ]
        body = "".join(self._response(at, one) for at, one in entries)
        text = f'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">{body}</D:multistatus>\n'
        self._answer(HTTPStatus.MULTI_STATUS, text.encode(), {"Content-Type": 'application/xml; charset="utf-8"'})

    def _send(self) -> None:
        found = self._find()
        if found is None:
            return
        path, view, node = found
        if view is None or node.kind is NodeKind.DIR:
            names = [
                one.name + (b"/" if one.kind is NodeKind.DIR else b"")
                for one in self.server.tree.children(path, view, node)
            ]
            self._answer(HTTPStatus.OK, b"".join(name + b"\n" for name in names), {"Content-Type": "text/plain"})
        elif node.kind is not NodeKind.FILE:
            self._answer(HTTPStatus.NOT_FOUND, b"Only files and folders are served.\n")
        else:
            self._send_file(view, node)

    def _send_file(self, view: SnapshotView, node: Node) -> None:
        file = FileDownload(view, node)
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        headers |= {"ETag": f'"{file.identity}"', "Last-Modified": _http_time(node.mtime_ns)}
        start, stop = 0, file.length
        wanted = self.headers.get("Range")
        if wanted is not None and (asked := _asked_range(wanted, file.length)) is not None:
            start, stop = asked
            if start >= stop:
                self._answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", {"Content-Range": f"bytes */{stop}"})
                return
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.length}"
        blocks = file.read(start, stop)
        # The first block before the headers, so that damage becomes an error answer.
        first = next(blocks, b"") if self.command == "GET" else b""
        self.send_response(HTTPStatus.PARTIAL_CONTENT if "Content-Range" in headers else HTTPStatus.OK)
        for name, value in {**headers, "Content-Length": str(stop - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            try:
                self.wfile.write(first)
                for block in blocks:
                    self.wfile.write(block)
            except (StrongroomError, OSError):
                # The length was promised: only a closed connection says that the file is not whole.
                self.close_connection = True

    def _find(self) -> tuple[bytes, SnapshotView | None, Node] | None:
        """Return what the address names; answer and return None if there is nothing."""
        token, _, path = unquote_to_bytes(urlsplit(self.path).path).lstrip(b"/").partition(b"/")
        if not hmac.compare_digest(token, self.server.token.encode()):
            self._answer(HTTPStatus.NOT_FOUND)
            return None
        found = self.server.tree.find(path)
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND, b"There is no such file or folder in the repository.\n")
            return None
        return path, *found

    def _skip_body(self) -> bool:
        """Read the body of a request, which may name properties; all are answered. Return whether it is acceptable."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > _MOST_ASKED:
            self.close_connection = True
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return False
        self.rfile.read(int(length))
        return True

    def _response(self, path: bytes, node: Node) -> str:
        slash = "/" if node.kind is NodeKind.DIR and path else ""
        address = f"/{self.server.token}/{quote_from_bytes(path.strip(b'/'))}{slash}"
        folder = node.kind is NodeKind.DIR
        kind = "<D:collection/>" if folder else ""
        length = "" if folder else f"<D:getcontentlength>{node.size}</D:getcontentlength>"
        shown = escape(node.name.decode("utf-8", "replace"))
        return (
            f"<D:response><D:href>{escape(address)}</D:href><D:propstat><D:prop>"
            f"<D:resourcetype>{kind}</D:resourcetype>{length}<D:displayname>{shown}</D:displayname>"
            f"<D:getlastmodified>{_http_time(node.mtime_ns)}</D:getlastmodified>"
            "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
        )

    def _answer(self, status: HTTPStatus, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _folder(name: bytes) -> Node:
    return Node(name=name, kind=NodeKind.DIR)


def _asked_range(text: str, length: int) -> tuple[int, int] | None:
    """Return the asked bytes as start and stop; None for a form that is ignored, as HTTP allows."""
    match = _RANGE.match(text)
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return max(length - int(last), 0), length
    stop = min(int(last) + 1, length) if last else length
    return int(first), stop if int(first) < stop or int(first) >= length else length


def _http_time(nanoseconds: int) -> str:
    try:
        return format_datetime(datetime.fromtimestamp(nanoseconds // 10**9, UTC), usegmt=True)
    except (OverflowError, ValueError):
        return format_datetime(datetime(1970, 1, 1, tzinfo=UTC), usegmt=True)
