"""The EDMS: documents, versions, their files, and an audit trail with a hash chain."""
