"""An EDMS whose repository opens at once; `protected` one that is protected."""

import pytest
from tests.backup.conftest import Edms
from tests.backup.doctor.conftest import protected, protected_home  # noqa: F401  fixtures


@pytest.fixture
def edms(new_edms: Edms) -> Edms:
    new_edms.have_repository()
    return new_edms
