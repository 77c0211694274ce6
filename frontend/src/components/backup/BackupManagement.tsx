/** The import path for host applications. The component lives in `features/backup`. */

export { type BackupManagementProps, default } from "../../features/backup/BackupManagement";
