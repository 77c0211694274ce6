import type { Catalogue } from "./index";

export const palette: Catalogue["palette"] = {
  title: "Suchen und springen",
  open: "Suchen",
  placeholder: "Name eines Dokuments, einer Konfiguration, eines Laufs oder einer Ansicht",
  results: "Treffer",
  nothing: "Keine Treffer.",
  action: "Aktion",
  configuration: "Konfiguration",
  job: "Lauf",
  document: "Dokument",
  page: "Seite",
  failed: "Fehlgeschlagene Läufe",
};
