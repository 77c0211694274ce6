/** The source of the palette for the console: its views and actions, configurations and jobs. */

import { type Api, unwrap } from "../../api/client";
import { matches, type PaletteItem, type PaletteSource } from "../../components/Palette";
import { t } from "../../i18n";

const MOST = 6;
const VIEWS = ["overview", "configurations", "history", "restore", "storage", "settings"] as const;

/** Return the source for the console at the address `base`, with the permissions of the API. */
export function backupSource(api: Api, base: string): PaletteSource {
  return async (text) => {
    const places = placesOf(base).filter((one) => matches(`${one.label} ${one.kind}`, text));
    if (text === "") {
      return places;
    }
    const [configurations, jobs] = await Promise.all([
      unwrap(api.GET("/configurations/", { params: { query: { search: text, limit: MOST } } })),
      unwrap(api.GET("/jobs/", { params: { query: { search: text, limit: MOST, ordering: "-queued_at" } } })),
    ]);
    return [
      ...places,
      ...configurations.results.map((row) => ({
        label: row.name,
        kind: t("palette.configuration"),
        to: `${base}/configurations/${row.uuid}`,
      })),
      ...jobs.results.map((job) => ({
        label: job.job_name,
        kind: t("palette.job"),
        to: `${base}/history/${job.uuid}`,
      })),
    ];
  };
}

function placesOf(base: string): PaletteItem[] {
  return [
    ...VIEWS.map((view) => ({ label: t(`navigation.${view}`), kind: t("navigation.backups"), to: `${base}/${view}` })),
    { label: t("configurations.create"), kind: t("palette.action"), to: `${base}/configurations/new` },
    { label: t("restore.upload.title"), kind: t("palette.action"), to: `${base}/restore?from=file` },
    { label: t("palette.failed"), kind: t("navigation.history"), to: `${base}/history?status=FAILED&status=TIMEOUT` },
  ];
}
