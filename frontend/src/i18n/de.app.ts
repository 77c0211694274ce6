import type { Catalogue } from "./index";

export const app: Catalogue["app"] = {
  product: "EDMS",
  navigation: "Hauptmenü",
  dashboard: "Startseite",
  documents: "Dokumente",
  admin: "Verwaltung",
  skip: "Zum Inhalt springen",
  menu: "Menü",
  account: "Konto von {name}",
  signOut: "Abmelden",
  notFoundTitle: "Seite nicht gefunden",
  notFoundText: "Unter dieser Adresse gibt es keine Seite. Prüfen Sie die Adresse.",
  toDashboard: "Zur Startseite",
  login: {
    title: "Anmelden",
    name: "Benutzername",
    password: "Passwort",
    show: "Passwort anzeigen",
    submit: "Anmelden",
    again: "Melden Sie sich an, um fortzufahren.",
    afterRestore:
      "Melden Sie sich an, um das Ergebnis der Wiederherstellung zu sehen. Sie läuft ohne Sie weiter. Konten und Passwörter sind möglicherweise die der Sicherung.",
  },
  home: {
    greeting: "Willkommen, {name}.",
    documentCount: { one: "{count} Dokument", other: "{count} Dokumente" },
    recent: "Neueste Dokumente",
    allDocuments: "Alle Dokumente",
    nothingYet: "Noch keine Dokumente.",
  },
  adminPage: {
    backupsText: "Sicherungen starten, planen und wiederherstellen.",
    openBackups: "Datensicherung öffnen",
    noBackups: "Sie dürfen Sicherungen nicht ansehen. Bitten Sie die Verwaltung um das Recht dazu.",
    accounts: "Konten und Daten",
    accountsText: "Benutzer, Gruppen, Rechte und alle Tabellen verwalten.",
    openAccounts: "Django-Verwaltung öffnen",
    protection: "Sind die Dokumente geschützt?",
    warnings: { one: "{count} offene Warnung", other: "{count} offene Warnungen" },
    since: "seit {time}",
  },
};
