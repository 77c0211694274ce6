"""The storage of backups: locations, repositories, packages, uploads and working folders."""
