"""Where backups lie: storage locations, repositories, packages, uploads and working folders."""
