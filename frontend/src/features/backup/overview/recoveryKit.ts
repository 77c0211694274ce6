/** The recovery kit: a sheet of text that leads from the storage and the passphrase alone back to the data. */

import type { Schemas } from "../../../api/client";
import { dateTime } from "../../../components/format";
import { t } from "../../../i18n";

/** Return the path of a repository on the server. */
function placeOf({ storage_path: path, encrypted }: Schemas["Repository"], root: string): string {
  const folder = path === "" ? root : path.startsWith("/") ? path : `${root}/${path}`;
  return `${folder}/${encrypted ? "repository" : "repository-unencrypted"}`;
}

/** Return a path as one word of a shell. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** Return the text of the kit. It never holds the passphrase, which the server does not give away. */
export function recoveryKit(
  installation: Schemas["Installation"],
  repositories: Schemas["Repository"][],
  now: Date,
): string {
  const places = repositories.map((one) => ({ one, path: placeOf(one, installation.storage_root) }));
  const commands = places.flatMap(({ path }) => [
    `  strongroom snapshots -r ${quoted(path)}`,
    `  strongroom restore latest -r ${quoted(path)} -t /restored`,
    `  restic -r ${quoted(path)} restore latest --target /restored`,
    "",
  ]);
  return [
    t("overview.kit.title"),
    "=".repeat(t("overview.kit.title").length),
    t("overview.kit.made", { address: window.location.origin, time: dateTime(now.toISOString()) }),
    "",
    t("overview.kit.passphrase", { source: installation.encryption_source ?? t("settings.noPassphrase") }),
    "  ______________________________________________________________",
    "",
    t("overview.kit.repositories"),
    ...places.map(({ one, path }) => `  ${path}  (${one.keys.map((key) => key.id).join(", ") || "-"})`),
    "",
    t("overview.kit.commands"),
    ...commands,
    t("overview.kit.further"),
    "",
  ].join("\n");
}
