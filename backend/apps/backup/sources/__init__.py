"""What is captured, at which moment, and whether it was stored as it was captured."""

from .cut import Cut, CutSpec, Problem, database_aliases, open_cut
from .errors import CaptureFailed, ClientMissing, SourceRefused
from .verify import read_manifest, verify_captured

__all__ = [
    "CaptureFailed",
    "ClientMissing",
    "Cut",
    "CutSpec",
    "Problem",
    "SourceRefused",
    "database_aliases",
    "open_cut",
    "read_manifest",
    "verify_captured",
]
