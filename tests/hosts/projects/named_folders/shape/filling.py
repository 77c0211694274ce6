from django.conf import settings


def fill() -> None:
    for name in ("inbox/waiting.pdf", "index/main_1.toc", "configuration/mail.yml"):
        path = settings.BASE_DIR / name
        path.parent.mkdir()
        path.write_text(name)
