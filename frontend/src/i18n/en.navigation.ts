/** The name of the console and of its views. */

export const navigation = {
  backups: "Backup management",
  overview: "Overview",
  configurations: "Configurations",
  history: "History",
  restore: "Restore",
  storage: "Storage",
  settings: "Settings",
} as const;
