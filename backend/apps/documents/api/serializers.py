"""Documents and their versions as JSON, and the requests of clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from ..models import Category, Document, DocumentVersion

if TYPE_CHECKING:
    ApiSerializer = serializers.Serializer[Any]
    _DocumentSerializer = serializers.ModelSerializer[Document]
    _VersionSerializer = serializers.ModelSerializer[DocumentVersion]
else:  # The classes of the framework take no parameters at run time.
    ApiSerializer = serializers.Serializer
    _DocumentSerializer = _VersionSerializer = serializers.ModelSerializer


class VersionSerializer(_VersionSerializer):
    """One file of a document; `size` in bytes."""

    class Meta:
        model = DocumentVersion
        fields = ["id", "number", "source_name", "size", "sha256", "created_at"]
        read_only_fields = fields


class DocumentSerializer(_DocumentSerializer):
    """A document in a list; `size` is the size of its newest version in bytes."""

    category = serializers.CharField(source="category.name", read_only=True)
    owner = serializers.CharField(source="owner.username", read_only=True, allow_null=True, default=None)
    version_count = serializers.IntegerField(read_only=True)
    size = serializers.IntegerField(read_only=True)

    class Meta:
        model = Document
        fields = [
            "id", "number", "title", "category", "state", "owner", "version_count", "size", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class DocumentDetailSerializer(DocumentSerializer):
    """A document with its versions, newest first."""

    versions = VersionSerializer(many=True, read_only=True)

    class Meta(DocumentSerializer.Meta):
        fields = [*DocumentSerializer.Meta.fields, "versions"]
        read_only_fields = fields


class VersionUploadSerializer(ApiSerializer):
    """A file."""

    file = serializers.FileField(allow_empty_file=True, use_url=False)


class DocumentUploadSerializer(VersionUploadSerializer):
    """A file for a new document. The default title is the file name."""

    title = serializers.CharField(
        max_length=Document._meta.get_field("title").max_length, required=False, allow_blank=True
    )
    category = serializers.CharField(max_length=Category._meta.get_field("name").max_length, default="General")


class SearchSerializer(ApiSerializer):
    """A search text: a part of the number, the title or a file name."""

    q = serializers.CharField(max_length=200, required=False, allow_blank=True)
