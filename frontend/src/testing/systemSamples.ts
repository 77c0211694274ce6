/** Answers of the server about its storage and its installation. */

import type { Schemas } from "../api/client";

export function repository(values: Partial<Schemas["Repository"]> = {}): Schemas["Repository"] {
  return {
    storage_path: "",
    encrypted: true,
    exists: true,
    snapshots: 12,
    logical_bytes: 9e9,
    stored_bytes: 3e9,
    free_bytes: 5e9,
    deduplication_ratio: 3,
    first_backup: "2026-10-01T02:00:00Z",
    last_backup: "2026-11-24T02:00:00Z",
    last_verified: "2026-11-24T02:00:00Z",
    packs_seen_at: null,
    last_prune: null,
    last_check: {
      operation: "9b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0009",
      completed_at: "2026-11-20T02:00:00Z",
      read_data: true,
      is_sound: false,
      findings: 2,
    },
    locks: 1,
    locked_since: "2026-11-24T02:00:00Z",
    keys: [{ id: "1a2b3c4d", created: "2026-10-01T02:00:00Z", hostname: "vault", username: "edms" }],
    error: "",
    ...values,
  };
}

export function installation(values: Partial<Schemas["Installation"]> = {}): Schemas["Installation"] {
  return {
    version: "1.2.3",
    python: "3.11.2",
    django: "5.2.1",
    executor: "agent",
    time_zone: "Europe/Berlin",
    second_person: [],
    storage_root: "/srv/backups",
    encryption_source: "BACKUP_PASSWORD_FILE",
    executors: [],
    ...values,
  };
}
