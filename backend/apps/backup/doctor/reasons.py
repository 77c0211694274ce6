"""Explain why each kind of finding matters, for an administrator who will need a backup some day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_noop

WHY: Final[Mapping[str, str]] = {
    "backup.W001": gettext_noop("Without valid settings no backup is made, and none can be restored."),
    "backup.W002": gettext_noop(
        "Encrypted backups cannot be made without a passphrase, and existing ones cannot be opened."
    ),
    "backup.W003": gettext_noop("Without write access to the storage, no backup can be stored."),
    "backup.W004": gettext_noop("Without these programs, the database can be neither dumped nor restored."),
    "backup.W005": gettext_noop(
        "Until the restore is completed or undone, the live system may be half old and half restored."
    ),
    "backup.W006": gettext_noop("The schedules are in the database and look enabled, but they never run."),
    "backup.W007": gettext_noop("Due jobs go to a queue that no worker reads."),
    "backup.W008": gettext_noop("The worker takes messages that it cannot process."),
    "backup.W009": gettext_noop("Workers receive no messages, so due jobs run late or never."),
    "backup.W010": gettext_noop("If the container or the system disk is replaced, the backups are lost with it."),
    "backup.W011": gettext_noop("An accident that destroys the data also destroys the backups."),
    "backup.W012": gettext_noop("Without an executor, due jobs do not run."),
    "backup.W013": gettext_noop(
        "Data written between two backups can be lost, and there are fewer backups than promised."
    ),
    "backup.W014": gettext_noop("Everything written since the last good backup would be lost today."),
    "backup.W015": gettext_noop("A job that hangs blocks other jobs of its configuration."),
    "backup.W016": gettext_noop("The storage fills with backups that are no longer needed."),
    "backup.W017": gettext_noop("On a full disk no further backup can be made."),
    "backup.W018": gettext_noop("If Beat hangs, no schedule runs, and there is no error message."),
    "backup.W019": gettext_noop("Every job of this type fails until the type fits the database."),
    "backup.W020": gettext_noop("While jobs fail, the last good backup gets older."),
    "backup.W021": gettext_noop("The configuration is shown as enabled, but it does not run."),
    "backup.W022": gettext_noop("The space of removed backups is not freed."),
    "backup.W023": gettext_noop("Without the catalogue there is no record of the backups."),
    "backup.W024": gettext_noop(
        "Rows of the catalogue refer to users, and cannot refer to another database: no row can be saved."
    ),
    "backup.W025": gettext_noop("Deleting, replacing or moving the folder of documents also affects the backups."),
    "backup.W026": gettext_noop("None of these backups can be restored while their storage is missing."),
    "backup.W027": gettext_noop("A backup that is in no storage cannot be restored, even if the catalogue lists it."),
    "backup.W028": gettext_noop(
        "Without the right passphrase, jobs cannot store anything, and nothing can be restored."
    ),
    "backup.W029": gettext_noop("A part that could not be checked may have a problem."),
    "backup.W030": gettext_noop("A restore of a backup that needs the damaged data fails, or lacks files."),
    "backup.W031": gettext_noop("Other clients, such as the stock restic, may read the damaged copy."),
    "backup.W032": gettext_noop(
        "While a snapshot cannot be read, no space is freed. Without an index file, each job takes longer."
    ),
    "backup.W033": gettext_noop("In an emergency, the restore fails at this point, or omits this object."),
    "backup.W034": gettext_noop("It is unknown whether the server accepts the schema of the backup in a restore."),
    "backup.W035": gettext_noop("After a restore, users or programs may lack rights that they had."),
    "backup.W036": gettext_noop("Data that the run could not read or store is in no newer backup."),
    "backup.W037": gettext_noop("A backup that does not fit on the disk fails, usually at night."),
    "backup.W038": gettext_noop("After a restore of the newest backups, this part is missing."),
    "backup.W039": gettext_noop("After a restore these documents are missing."),
    "backup.W040": gettext_noop("A package that cannot be opened cannot be restored."),
    "backup.W041": gettext_noop("A lost pack is noticed only by the next backup, or by a restore."),
    "backup.W042": gettext_noop("During a restore, users can save changes that the restore then replaces."),
    "backup.W043": gettext_noop("These files are in no backup: a restore brings back the rows, but not the documents."),
    "backup.W044": gettext_noop("A thief with the old passphrase can still read the backups."),
    "backup.W045": gettext_noop("It uses space, and a thief with the old passphrase can read it."),
    "backup.W046": gettext_noop("After a loss, this content cannot be restored."),
    "backup.W048": gettext_noop("When a restore is urgent, the page does not open, or another page opens."),
    "backup.W050": gettext_noop("Without it, each backup is INCOMPLETE and does not count as a good one."),
}
"""The explanations by the id of the finding."""
