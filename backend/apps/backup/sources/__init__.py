"""The sources of a backup: databases and files, read at one consistency point, and their verification."""

from .consistency_point import CaptureSpec, ConsistencyPoint, Problem, open_consistency_point
from .databases import database_aliases
from .errors import CaptureFailed, ClientMissing, SourceRefused
from .verify import read_manifest, verify_captured

__all__ = [
    "CaptureFailed",
    "CaptureSpec",
    "ClientMissing",
    "ConsistencyPoint",
    "Problem",
    "SourceRefused",
    "database_aliases",
    "open_consistency_point",
    "read_manifest",
    "verify_captured",
]
