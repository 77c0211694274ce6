"""Fixtures that several folders share; their conftest imports them."""

import pytest
from tests.backup.testing.edms import Edms


@pytest.fixture
def edms(new_edms: Edms) -> Edms:
    """An EDMS with a repository, whose key opens at once."""
    new_edms.have_repository()
    return new_edms
