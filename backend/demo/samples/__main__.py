"""`python -m demo.samples`: fill an empty EDMS with samples. Exit code 1 if it is in use."""

import os
import sys

import django
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

# The models can be imported only after the setup.
from .create import SystemInUse, samples_create  # noqa: E402

try:
    samples_create(now=timezone.now())
except SystemInUse as error:
    sys.exit(str(error))
