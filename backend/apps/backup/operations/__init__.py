"""Operations at work: one process does one of them, from its claim to its end; the dead are found and settled."""

from .run import run_operation
from .settling import settle_dead, settle_operations

__all__ = ["run_operation", "settle_dead", "settle_operations"]
