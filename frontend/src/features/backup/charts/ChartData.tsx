/** The numbers of a chart as a table. */

import { Box } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { t } from "../../../i18n";

export function ChartData({ children }: { children: ReactNode }) {
  const [opened, setOpened] = useState(false);
  return (
    <details style={{ marginTop: 8 }} onToggle={(event) => setOpened(event.currentTarget.open)}>
      <summary style={{ cursor: "pointer", fontSize: "var(--mantine-font-size-sm)" }}>
        {t("overview.charts.asTable")}
      </summary>
      {opened && (
        <Box mah={360} style={{ overflow: "auto" }} tabIndex={0} role="group" aria-label={t("overview.charts.asTable")}>
          {children}
        </Box>
      )}
    </details>
  );
}
