/** The sources of the palette in the EDMS: its pages, documents, and the backup console. */

import { useMemo } from "react";

import { createApi, unwrap } from "../api/client";
import { useEdms, useSession } from "../api/EdmsProvider";
import { matches, type PaletteSource } from "../components/Palette";
import { backupSource } from "../features/backup/paletteSource";
import { t } from "../i18n";

const MOST = 6;

/** Return the sources that the user may see. */
export function usePaletteSources(): PaletteSource[] {
  const { api, apiUrl } = useEdms();
  const { permissions } = useSession();
  const seesDocuments = permissions.includes("documents.view_document");
  const seesBackups = permissions.includes("backup.view_backups");
  return useMemo(() => {
    const places = [
      { label: t("app.dashboard"), kind: t("palette.page"), to: "/" },
      ...(seesDocuments ? [{ label: t("app.documents"), kind: t("palette.page"), to: "/documents" }] : []),
    ];
    const pages: PaletteSource = (text) => Promise.resolve(places.filter((one) => matches(one.label, text)));
    const documents: PaletteSource = async (text) => {
      if (text === "") {
        return [];
      }
      const found = await unwrap(api.GET("/documents/", { params: { query: { q: text, page_size: MOST } } }));
      return found.results.map(({ id, number, title }) => ({
        label: `${number} ${title}`,
        kind: t("palette.document"),
        to: `/documents/${id}`,
      }));
    };
    return [
      pages,
      ...(seesDocuments ? [documents] : []),
      ...(seesBackups ? [backupSource(createApi(`${apiUrl}/backup`), "/admin/backup")] : []),
    ];
  }, [api, apiUrl, seesDocuments, seesBackups]);
}
