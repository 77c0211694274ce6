"""What holds of the services as processes of this machine holds of them in the built image."""

from tests.containers.test_services import *  # noqa: F403  the same tests, with another `stack`
