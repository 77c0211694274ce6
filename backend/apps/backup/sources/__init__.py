"""What is captured, at which moment, and whether it was stored as it was captured."""

from .consistency_point import CaptureSpec, ConsistencyPoint, Problem, database_aliases, open_consistency_point
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
