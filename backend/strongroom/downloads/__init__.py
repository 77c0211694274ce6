"""What is stored, as bytes to be handed to somebody else: from any offset, at a memory that does not grow with it.

A file, a folder as a `.tar`, a whole snapshot as a package. Each has one form, byte for byte the same whenever it is
asked for, of a length that is known before anything is read.
"""

from strongroom.downloads.base import Download, LeftOut, Measure, Measures, Stretch
from strongroom.downloads.file import FileDownload
from strongroom.downloads.folder import FolderDownload
from strongroom.downloads.package import PackageDownload

__all__ = ["Download", "FileDownload", "FolderDownload", "LeftOut", "Measure", "Measures", "PackageDownload", "Stretch"]
