"""Downloads of stored content: bytes of a known length, from any offset, in constant memory.

A download is a file, a folder as a `.tar`, or a whole snapshot as a package. Its bytes are the same each time, and its
length is known before any content is read.
"""

from strongroom.downloads.base import Download, LeftOut, Measure, Measures, Stretch
from strongroom.downloads.file import FileDownload
from strongroom.downloads.folder import FolderDownload
from strongroom.downloads.package import PackageDownload

__all__ = ["Download", "FileDownload", "FolderDownload", "LeftOut", "Measure", "Measures", "PackageDownload", "Stretch"]
