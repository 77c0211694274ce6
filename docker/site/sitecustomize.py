"""Makes `python -c "from apps.backup.models import …"` work in the image, where Django would not be set up.

Python imports this module at every start, since the image has its folder on PYTHONPATH. Only a command line that is
exactly `python -c PROGRAM` is touched: no script, no `-m`, no program with arguments.
"""

import os
import sys

# Children of these are started by `python -c` as well; they set up what they need.
_CHILDREN = ("from multiprocessing", "import sys; from multiprocessing", "from billiard", "from joblib")


def _is_a_snippet(words: list[str]) -> bool:
    return len(words) == 3 and words[1] == "-c" and not words[2].lstrip().startswith(_CHILDREN)


if _is_a_snippet(sys.orig_argv) and os.environ.get("DJANGO_SETTINGS_MODULE"):
    import django

    django.setup()
