import { expect, it } from "vitest";

import { installation, repository } from "../../../testing/systemSamples";
import { recoveryKit } from "./recoveryKit";

it("leads from the storage and the passphrase back to the data, without the passphrase itself", () => {
  const text = recoveryKit(
    installation(),
    [repository(), repository({ storage_path: "/mnt/o'brien", encrypted: false, keys: [] })],
    new Date("2026-11-24T12:00:00Z"),
  );
  expect(text).toContain("reads it from BACKUP_PASSWORD_FILE");
  expect(text).toContain("  /srv/backups/repository  (1a2b3c4d)");
  expect(text).toContain("  strongroom restore latest -r /srv/backups/repository -t /restored");
  expect(text).toContain("  restic -r '/mnt/o'\\''brien/repository-unencrypted' restore latest --target /restored");
});
