/** A section of a page with its own heading. */

import { Paper, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <Paper component="section" withBorder p="md" aria-labelledby={id}>
      <Title order={3} size="h5" mb="xs" id={id}>
        {title}
      </Title>
      {children}
    </Paper>
  );
}

/** A list of names and values. Empty values are left out. */
export function FactList({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl style={{ display: "grid", gridTemplateColumns: "fit-content(45%) minmax(0, 1fr)", gap: "4px 16px", margin: 0 }}>
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt style={{ color: "var(--mantine-color-dimmed)" }}>{name}</dt>
            <dd style={{ margin: 0, overflowWrap: "anywhere", minWidth: 0 }}>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
