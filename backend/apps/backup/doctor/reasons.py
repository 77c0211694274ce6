"""Why each kind of finding matters, in the words of somebody who will need a backup some day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WHY: Final[Mapping[str, str]] = {
    "backup.W001": "Without valid settings no backup is made, and none can be restored.",
    "backup.W002": "Encrypted backups cannot be made without it, and those that exist cannot be opened.",
    "backup.W003": "What cannot be written is not backed up.",
    "backup.W004": "The database can be neither dumped nor restored without them.",
    "backup.W005": "Until it is completed or undone, what is live may be half of what was meant.",
    "backup.W006": "The schedules stand in the database, look enabled, and never fire.",
    "backup.W007": "What is due is sent to a queue that nobody empties.",
    "backup.W008": "It takes the messages and cannot do what they ask for.",
    "backup.W009": "Workers are not woken up, and what is due runs late or never.",
    "backup.W010": "A container or a system disk that is replaced takes the backups along.",
    "backup.W011": "The accident that takes the data takes the backups, too.",
    "backup.W012": "What is due is run by nobody.",
    "backup.W013": "What was written between two backups can be lost, and there are fewer of them than were promised.",
    "backup.W014": "What was written since the last good backup would be lost today.",
    "backup.W015": "A job that hangs keeps others of its configuration waiting.",
    "backup.W016": "The storage fills with what nobody wants to keep.",
    "backup.W017": "On a full disk no further backup can be made.",
    "backup.W018": "A Beat that is stuck runs nothing, and nobody is told.",
    "backup.W019": "Its configurations fail until they have a type that this database can have.",
    "backup.W020": "What fails repeatedly leaves the last good backup getting older.",
    "backup.W021": "The configuration says that it runs, and it does not.",
    "backup.W022": "The space of removed backups does not come back.",
    "backup.W023": "Without the ledger nobody knows what was backed up when.",
    "backup.W024": "Its rows name users, and a database cannot name what lies in another one: nothing can be saved.",
    "backup.W025": "On the day of the loss the restore is refused: it would take away the backups or the database.",
    "backup.W026": "None of these backups can be restored as long as their storage is away.",
    "backup.W027": "What is in no storage cannot be restored, whatever the ledger says of it.",
    "backup.W028": "No job can store anything, and nothing can be restored, without the right passphrase.",
    "backup.W029": "What could not be looked at may be wrong.",
    "backup.W030": "A restore of a backup that needs it fails, or lacks files.",
    "backup.W031": "Other clients, such as the stock restic, may read the damaged copy.",
    "backup.W032": "As long as a snapshot cannot be read, no space comes back; without an index each job takes longer.",
    "backup.W033": "On the day of the loss the restore fails at this, or stays without it.",
    "backup.W034": "Nobody knows whether the server takes the schema of the backup back.",
    "backup.W035": "After a restore, users or programs may lack rights that they had.",
    "backup.W036": "What it could not read or store is in no newer backup.",
    "backup.W037": "A backup that does not fit fails, usually at night.",
    "backup.W038": "A restore of the newest backups brings back a system without it.",
    "backup.W039": "After a restore these documents are missing.",
    "backup.W040": "A package that cannot be opened restores nothing.",
    "backup.W041": "A pack that is lost is noticed no sooner than by the next backup, or by a restore.",
    "backup.W042": "During a restore, users are told that their changes are saved, and the restore replaces them.",
    "backup.W044": "A thief with the old passphrase reads the backups as before.",
    "backup.W045": "It takes space, and a thief with the old passphrase can read it.",
}
"""By the id of the finding."""
