"""The tests of the services as processes of this machine hold in the built image too."""

from tests.containers.test_services import *  # noqa: F403  the same tests, with another `stack`
