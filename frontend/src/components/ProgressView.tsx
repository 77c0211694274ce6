/** The progress of a task: phase, files, bytes, rate and remaining time. Shows only what the server knows. */

import { Group, Progress as Bar, Stack, Text } from "@mantine/core";

import type { Schemas } from "../api/client";
import { t } from "../i18n";
import { bytes, duration } from "./format";

export function ProgressView({ progress }: { progress: Schemas["Progress"] }) {
  const { bytes_done: done, bytes_total: total } = progress;
  const percent = total ? Math.min(100, (done / total) * 100) : null;
  const facts = [
    progress.files_done > 0 ? t("common.filesDone", { count: progress.files_done }) : "",
    total ? t("common.bytesOf", { done: bytes(done), total: bytes(total) }) : done > 0 ? bytes(done) : "",
    progress.bytes_per_second ? t("common.rate", { rate: bytes(progress.bytes_per_second) }) : "",
    progress.eta_seconds !== null ? t("common.eta", { time: duration(progress.eta_seconds) }) : "",
  ].filter(Boolean);
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {progress.phase}
        </Text>
        {/* These numbers change each second. Screen readers announce only the phase. */}
        <Text size="sm" c="dimmed" aria-live="off">
          {facts.join(", ")}
        </Text>
      </Group>
      <Bar.Root>
        <Bar.Section
          value={percent ?? 100}
          animated={percent === null}
          striped={percent === null}
          withAria={false}
          role="progressbar"
          aria-label={progress.phase}
          // Without a value, screen readers announce a busy task rather than a finished one.
          {...(percent === null
            ? {}
            : { "aria-valuenow": Math.round(percent), "aria-valuemin": 0, "aria-valuemax": 100 })}
        />
      </Bar.Root>
    </Stack>
  );
}
