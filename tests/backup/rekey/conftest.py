"""An EDMS whose repository opens at once."""

import pytest
from tests.backup.conftest import Edms


@pytest.fixture
def edms(new_edms: Edms) -> Edms:
    new_edms.have_repository()
    return new_edms
