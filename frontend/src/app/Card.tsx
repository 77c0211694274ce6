import { Paper, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A section of a page with its own heading. */
export function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md">
      <Stack gap="sm" align="flex-start">
        <Title order={2} size="h4">
          {title}
        </Title>
        {children}
      </Stack>
    </Paper>
  );
}
