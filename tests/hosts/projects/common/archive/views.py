from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join

from .models import Document


def documents(request: HttpRequest) -> HttpResponse:
    """The host's own page: titles from the database, sizes from the files."""
    rows = ((row.title, row.file.size) for row in Document.objects.order_by("pk"))
    return HttpResponse(format_html_join("", "<li>{}: {} bytes</li>", rows))
