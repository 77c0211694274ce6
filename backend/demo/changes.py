"""`python -m demo.changes`: what people do to documents between two backups, through the EDMS's own services."""

import argparse
import io
import itertools
import json
import os

import django


def main() -> None:
    """Change, extend and delete so many documents, and print what was done as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m demo.changes", description=__doc__)
    parser.add_argument("--changed", type=int, default=60, metavar="N")
    parser.add_argument("--deleted", type=int, default=40, metavar="N")
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    print(json.dumps(documents_change(changed=chosen.changed, deleted=chosen.deleted)))


def documents_change(*, changed: int, deleted: int) -> dict[str, int]:
    """Give documents other titles, states, owners and new versions, and delete others; never more than half of all."""
    # The models can be imported only when Django is set up, and `main` does that.
    from django.contrib.auth import get_user_model  # noqa: PLC0415

    from apps.documents.models import Document, State  # noqa: PLC0415
    from apps.documents.services import document_delete, document_update, version_add  # noqa: PLC0415

    owner, _ = get_user_model().objects.get_or_create(username="demo-author")
    actor = "demo-author"
    most = Document.objects.count() // 4
    # Spread over all documents: a random id has no order.
    chosen = list(Document.objects.order_by("id")[: min(changed, most) + min(deleted, most)])
    states = itertools.cycle([State.REVIEW, State.EFFECTIVE, State.OBSOLETE])
    to_change = chosen[: min(changed, most)]
    for document in to_change:
        document_update(
            document.id, actor=actor, title=f"{document.title[:200]}, revised", state=next(states), owner=owner
        )
        last = document.versions.order_by("-number")[0]
        with last.file.open("rb") as content:
            revised = io.BytesIO(content.read() + b"\nRevised.\n")
        version_add(document.id, revised, source_name=b"revised " + os.fsencode(last.source_name), actor=actor)
    for document in chosen[len(to_change) :]:
        document_delete(document.id, actor=actor)
    return {"changed": len(to_change), "deleted": len(chosen) - len(to_change)}


if __name__ == "__main__":
    main()
