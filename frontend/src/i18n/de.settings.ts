import type { Catalogue } from "./index";

export const settings: Catalogue["settings"] = {
  title: "Einstellungen",
  intro: "Ihre Anzeige, die Ausführer und die Installation. Alles andere ändert die Verwaltung auf dem Server.",
  installation: "Installation",
  version: "EDMS Backup",
  platform: "Plattform",
  executor: "Ausführer laut Einstellung",
  zone: "Zeitzone der Zeitpläne",
  browserZone: "Ihre Zeitzone",
  passphrase: "Passphrase aus",
  noPassphrase: "Keine gesetzt",
  secondPerson: "Zweite Person für",
  noSecondPerson: "Keine Aktion",
  executors: "Ausführer",
  executorsIntro:
    "Die Prozesse, die Sicherungen und Wiederherstellungen ausführen. Ohne einen laufenden läuft kein Zeitplan.",
  noExecutors: "Noch kein Ausführer ist gelaufen.",
  kind: "Art",
  host: "Host, Prozess",
  seen: "Letztes Lebenszeichen",
  started: "Gestartet",
  alive: "Läuft",
  gone: "Verschwunden",
};
