"""Operations at work: one process does one of them, from its claim to its end; the dead are found and settled."""

from .recover import settle_dead, settle_operations
from .run import run_operation

__all__ = ["run_operation", "settle_dead", "settle_operations"]
