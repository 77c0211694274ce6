/** The manifest of a backup: databases, files and broken references. */

import { Code, Text } from "@mantine/core";
import type { ReactNode } from "react";

import { number, t } from "../../../i18n";
import { bytes, dateTime } from "../../../components/format";
import { FactList, Section } from "../../../components/Section";

type Values = Record<string, unknown>;

interface Props {
  manifest: Values;
  /** Whether the backup was removed, or is being removed. */
  gone: boolean;
  /** Whether the job is still queued or running. */
  unfinished: boolean;
}

export function JobManifest({ manifest, gone, unfinished }: Props) {
  const facts = factsOf(manifest);
  return (
    <Section title={t(gone ? "history.page.manifestHeld" : "history.page.manifest")}>
      {Object.keys(manifest).length === 0 ? (
        <Text c="dimmed">{t(unfinished ? "history.page.notEnded" : "history.page.noManifest")}</Text>
      ) : (
        <>
          <FactList facts={facts} />
          <details style={{ marginTop: 8 }}>
            <summary style={{ cursor: "pointer" }}>{t("history.page.rawManifest")}</summary>
            <Code block mt="xs" tabIndex={0} style={{ maxHeight: 400, overflow: "auto" }}>
              {JSON.stringify(manifest, null, 2)}
            </Code>
          </details>
        </>
      )}
    </Section>
  );
}

/** Return the known facts. A manifest may lack any part, depending on the backup and its version. */
function factsOf(manifest: Values): [string, ReactNode][] {
  const amount = (value: unknown) => (typeof value === "number" ? number(value) : t("common.unknown"));
  const cut = manifest["cut_at"];
  return [
    [t("history.page.cut"), typeof cut === "string" ? dateTime(cut) : ""],
    ...entries(manifest["databases"]).map(([name, one]): [string, ReactNode] => [
      t("history.page.database", { name }),
      t("history.page.databaseFacts", {
        engine: typeof one["engine"] === "string" ? one["engine"] : t("common.unknown"),
        tables: amount(one["tables"]),
        rows: amount(one["rows"]),
      }),
    ]),
    ...entries(manifest["files"]).map(([name, one]): [string, ReactNode] => [
      t("history.page.files", { name }),
      t("history.page.filesFacts", {
        files: amount(one["files"]),
        bytes: typeof one["bytes"] === "number" ? bytes(one["bytes"]) : t("common.unknown"),
      }),
    ]),
    ...(["references_missing", "orphans"] as const)
      .filter((name) => typeof manifest[name] === "number")
      .map((name): [string, ReactNode] => [
        t(name === "orphans" ? "history.page.orphans" : "history.page.missing"),
        amount(manifest[name]),
      ]),
  ];
}

function entries(value: unknown): [string, Values][] {
  return typeof value === "object" && value !== null ? (Object.entries(value) as [string, Values][]) : [];
}
