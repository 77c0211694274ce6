/** Sample answers of the server. A test changes single values of them. */

import type { Schemas } from "../api/client";

/** A user with all permissions. */
export const RIGHTS: Schemas["Right"][] = [
  "view_backups",
  "configure_backups",
  "run_backups",
  "download_backups",
  "restore_backups",
  "delete_backups",
  "prune_backups",
];

export const JOB = "0b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0001";
export const CONFIGURATION = "0b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0002";

export function job(values: Partial<Schemas["Job"]> = {}): Schemas["Job"] {
  return {
    uuid: JOB,
    job_name: "nightly-20261124",
    configuration: CONFIGURATION,
    configuration_name: "nightly",
    backup_type: "FULL",
    trigger: "SCHEDULED",
    triggered_by: null,
    slot: "2026-11-24T02:00:00Z",
    status: "COMPLETED",
    trust: "VERIFIED",
    rehearsal_state: "PASSED",
    has_backup: true,
    missing: "",
    attempt: 1,
    worker: "host:1",
    progress: null,
    queued_at: "2026-11-24T02:00:00Z",
    not_before: null,
    started_at: "2026-11-24T02:00:01Z",
    completed_at: "2026-11-24T02:05:01Z",
    duration_seconds: 300,
    snapshot_id: "ab".repeat(32),
    backup_file_path: "",
    backup_size: 2_000_000_000,
    stored_size: 3_000_000,
    new_files: 4,
    changed_files: 5,
    unchanged_files: 6,
    checksum: "",
    problem_count: 0,
    warnings: [],
    error_message: "",
    is_pinned: false,
    pin_reason: "",
    removal_started_at: null,
    removed_at: null,
    removal_reason: "",
    cancel_requested_at: null,
    changed_at: "2026-11-24T02:05:01Z",
    ...values,
  };
}

export function jobDetail(values: Partial<Schemas["JobDetail"]> = {}): Schemas["JobDetail"] {
  return {
    ...job(),
    accepted_until: null,
    is_in_storage: true,
    settings: {
      storage_path: "",
      compression: true,
      encryption: true,
      include: [],
      exclude: [],
      output: "",
      minutes: null,
      new_repository: false,
    },
    rehearsal: {},
    manifest: {
      cut_at: "2026-11-24T02:00:03+00:00",
      databases: { default: { engine: "sqlite", tables: 33, rows: 1874 } },
      files: { media: { files: 8, bytes: 110_514 } },
      references_missing: 0,
      orphans: 0,
    },
    problems: [],
    log: [
      { at: "2026-11-24T02:00:01+00:00", text: "Storing." },
      { at: "2026-11-24T02:03:01+00:00", text: "Reading back." },
    ],
    ...values,
  };
}

export function operation(values: Partial<Schemas["Operation"]> = {}): Schemas["Operation"] {
  return {
    uuid: "0b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0003",
    kind: "VERIFY",
    status: "RUNNING",
    subject: "nightly-20261124",
    job: JOB,
    restore: null,
    arguments: {},
    result: {},
    progress: null,
    needs: "run_backups",
    error_message: "",
    requested_by: "ada",
    decided_by: null,
    decided_at: null,
    queued_at: "2026-11-24T03:00:00Z",
    started_at: "2026-11-24T03:00:01Z",
    completed_at: null,
    cancel_requested_at: null,
    cancellable: true,
    ...values,
  };
}

export function status(values: Partial<Schemas["Status"]> = {}): Schemas["Status"] {
  return {
    protection: {
      state: "PROTECTED",
      since: "2026-11-20T02:05:00Z",
      reason: "Every schedule has a good backup as fresh as it promises.",
      next_step: null,
      warnings: 0,
      open: [],
      examined_at: "2026-11-24T12:00:00Z",
    },
    total_backups: 10,
    successful_backups: 9,
    failed_backups: 1,
    success_rate: 90,
    jobs_by_status: {},
    active_configurations: 2,
    running_jobs: [],
    waiting_jobs: [],
    recent_jobs: [],
    recent_configurations: [],
    freshness: [],
    freshness_left_out: 0,
    ...values,
  };
}

export function statistics(values: Partial<Schemas["Statistics"]> = {}): Schemas["Statistics"] {
  const nothing = { stored_bytes: 0, logical_bytes: 0, new_files: 0, changed_files: 0, total_seconds: 0 };
  const day = (date: string, next: string) => ({
    ...nothing,
    date,
    begins_at: `${date}T00:00:00Z`,
    ends_at: `${next}T00:00:00Z`,
  });
  return {
    examined_at: "2026-11-24T12:00:00Z",
    time_zone: "UTC",
    first: "2026-11-23",
    last: "2026-11-24",
    days: [
      { ...day("2026-11-23", "2026-11-24"), results: { FAILED: 1 }, median_seconds: null },
      { ...day("2026-11-24", "2026-11-25"), results: { COMPLETED: 2 }, median_seconds: 300 },
    ],
    configurations: [],
    configurations_left_out: 0,
    calendar: [],
    calendar_left_out: 0,
    growth: { total_bytes: 10 ** 12, free_bytes: 4 * 10 ** 11, bytes_a_day: null, days_left: null, full_on: null },
    ...values,
  };
}

export function configuration(values: Partial<Schemas["Configuration"]> = {}): Schemas["Configuration"] {
  return {
    uuid: CONFIGURATION,
    name: "nightly",
    description: "Everything, every night",
    backup_type: "FULL",
    frequency: "DAILY",
    schedule_time: "02:00:00",
    schedule_days: [],
    schedule_day_of_month: null,
    schedule_in_words: "daily at 02:00",
    next_run: "2026-11-25T02:00:00Z",
    last_run: null,
    last_good: null,
    is_enabled: true,
    status: "ACTIVE",
    is_ad_hoc: false,
    retention_days: 30,
    max_backups: 30,
    keep_daily: 0,
    keep_weekly: 0,
    keep_monthly: 0,
    keep_yearly: 0,
    storage_path: "",
    time_limit_minutes: null,
    compression_enabled: true,
    encryption_enabled: true,
    include: [],
    exclude: [],
    created_by: "ada",
    created_at: "2026-11-01T00:00:00Z",
    updated_at: "2026-11-01T00:00:00Z",
    ...values,
  };
}

/** A plan as the result of an operation. */
export function plan(blocking: string[] = []) {
  return {
    backup: "abcdef",
    backup_job: JOB,
    restore_type: "FULL_RESTORE",
    taken_at: "2026-11-24T02:00:01Z",
    to_folder: "",
    to_database: "",
    replacements: [
      { kind: "database", name: "default", live: "/srv/edms.sqlite3", exists: true, size: 600_000, notes: [] },
    ],
    space: [{ where: "/srv", needed: 25_000_000, available: 90_000_000 }],
    differences: {
      tables: [{ database: "default", table: "documents_document", backup: 1200, live: 1187 }],
      files: [{ root: "media", comes_back: 13, changes: 2, goes_away: 4, same: 1185 }],
      unknown: [],
    },
    ledger: "is carried over",
    safety_backup: true,
    access: ["users (auth.User): 4 in the backup, 3 now"],
    drop_access: false,
    blocking,
    warnings: ["stop the application first"],
  };
}

/** A running restore to the live system. */
export function restore(values: Partial<Schemas["RestoreDetail"]> = {}): Schemas["RestoreDetail"] {
  return {
    uuid: "0b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0004",
    backup_job: JOB,
    backup_reference: "nightly-20261124",
    restore_type: "FULL_RESTORE",
    target: "live",
    status: "RUNNING",
    rollback_state: "NONE",
    error_message: "",
    progress: {
      phase: "restoring the files",
      files_done: 10,
      bytes_done: 5_000_000,
      bytes_total: 25_000_000,
      bytes_per_second: 1_000_000,
      eta_seconds: 20,
    },
    operation: "0b5e3a52-6d0a-4a5e-9d51-0f3a3b1c0003",
    requested_by: "ada",
    queued_at: "2026-11-24T12:00:00Z",
    started_at: "2026-11-24T12:00:01Z",
    completed_at: null,
    plan: plan(),
    phases: [],
    counts: {},
    log: [],
    changes: null,
    ...values,
  };
}

/** A list with one page. */
export function page<Row>(...results: Row[]) {
  return { next: null, previous: null, results };
}

export function problem(code: number, detail: string, errors: Schemas["FieldProblem"][] = []): Schemas["Problem"] {
  return { type: "urn:problem", title: "", status: code, detail, errors, id: "5f1c", instance: "" };
}
