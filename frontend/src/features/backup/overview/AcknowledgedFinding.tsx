/** An acknowledged warning, which can be withdrawn. */

import { Alert, Group, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ActionButton } from "../../../components/ActionButton";
import { type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { t } from "../../../i18n";
import { dateTime } from "../../../components/format";
import { Allowed } from "../permissions";

export function Acknowledged({ finding }: { finding: Schemas["AcknowledgedFinding"] }) {
  const api = useApi();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: () => {
      const path = { uuid: finding.acknowledgement };
      return unwrap(api.DELETE("/system/acknowledgements/{uuid}/", { params: { path } }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["status"] }),
  });
  return (
    <article>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {t("overview.findings.acknowledged")}: {finding.subject}: {finding.what}
      </Text>
      <Group gap="xs">
        <Text size="sm" c="dimmed">
          {t("overview.findings.acknowledgedBy", {
            who: finding.acknowledged_by,
            why: finding.acknowledged_why,
            time: dateTime(finding.acknowledged_until),
          })}
        </Text>
        <Allowed to="configure_backups">
          <ActionButton variant="default" size="compact-xs" pending={work.isPending} onClick={() => work.mutate()}>
            {t("overview.findings.withdraw")}
          </ActionButton>
        </Allowed>
      </Group>
      {work.error && <Alert color="red">{work.error.message}</Alert>}
    </article>
  );
}
