/** The protection status, in the words of the backup system. */

import { Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { ApiProvider, useApi } from "../api/ApiProvider";
import { statusQuery } from "../api/queries";
import { ValueBadge } from "../components/badges";
import { dateTime } from "../components/format";
import { Loaded } from "../components/states";
import { t } from "../i18n";
import { useEdms } from "../api/EdmsProvider";

export function Protection() {
  const { apiUrl, onSignedOut } = useEdms();
  return (
    <ApiProvider baseUrl={`${apiUrl}/backup`} onSignedOut={onSignedOut}>
      <Status />
    </ApiProvider>
  );
}

function Status() {
  const status = useQuery(statusQuery(useApi()));
  return (
    <Loaded query={status}>
      {({ protection }) => (
        <>
          <Group gap="xs" mb={4}>
            <ValueBadge group="protection" value={protection.state} />
            {protection.warnings > 0 && (
              <Text size="sm">{t("app.adminPage.warnings", { count: protection.warnings })}</Text>
            )}
            {protection.since && (
              <Text size="sm" c="dimmed">
                {t("app.adminPage.since", { time: dateTime(protection.since) })}
              </Text>
            )}
          </Group>
          <Text size="sm">{protection.reason}</Text>
        </>
      )}
    </Loaded>
  );
}
