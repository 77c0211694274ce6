"""The execution of operations: one process runs one operation from claim to end; dead ones are found and ended."""

from .recover import settle_dead, settle_operations
from .run import run_operation

__all__ = ["run_operation", "settle_dead", "settle_operations"]
