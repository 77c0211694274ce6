import type { Catalogue } from "./index";

export const navigation: Catalogue["navigation"] = {
  backups: "Datensicherung",
  overview: "Übersicht",
  configurations: "Konfigurationen",
  history: "Verlauf",
  restore: "Wiederherstellen",
  storage: "Speicher",
  settings: "Einstellungen",
};
