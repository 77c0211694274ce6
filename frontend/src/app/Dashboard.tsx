/** The start page: recent documents, and the protection status for administrators. */

import { Anchor, Box, Button, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { documentsQuery } from "../api/documents";
import { useRelativeTime } from "../components/relativeTime";
import { PageTitle } from "../components/PageTitle";
import { Loaded } from "../components/states";
import { t } from "../i18n";
import { Card } from "./Card";
import { usePermission, useEdms, useSession } from "../api/EdmsProvider";
import { Protection } from "./ProtectionSummary";

export default function Dashboard() {
  const { user } = useSession();
  const seesDocuments = usePermission("documents.view_document");
  const seesBackups = usePermission("backup.view_backups");
  return (
    <>
      <PageTitle text={t("app.dashboard")} />
      <Text mb="md">{t("app.home.greeting", { name: user?.full_name || user?.name || "" })}</Text>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {seesDocuments && <NewestDocuments />}
        {seesBackups && (
          <Card title={t("app.adminPage.protection")}>
            <Box mih={52} w="100%">
              <Protection />
            </Box>
            <Button component={Link} to="/admin/backup" variant="default">
              {t("app.adminPage.openBackups")}
            </Button>
          </Card>
        )}
      </SimpleGrid>
    </>
  );
}

function NewestDocuments() {
  const ago = useRelativeTime();
  const query = useQuery(documentsQuery(useEdms().api, { page_size: 5 }));
  return (
    <Card title={t("app.home.recent")}>
      <Loaded query={query}>
        {({ count, results }) => (
          <>
            {count === 0 ? (
              <Text>{t("app.home.nothingYet")}</Text>
            ) : (
              <Stack component="ul" gap={6} m={0} p={0} w="100%" style={{ listStyle: "none" }}>
                {results.map((one) => (
                  <Group component="li" key={one.id} justify="space-between" gap="xs" wrap="nowrap">
                    <Anchor component={Link} to={`/documents/${one.id}`} truncate>
                      {one.title}
                    </Anchor>
                    <Text size="sm" c="dimmed" style={{ whiteSpace: "nowrap" }}>
                      {ago(one.updated_at)}
                    </Text>
                  </Group>
                ))}
              </Stack>
            )}
            <Group>
              <Button component={Link} to="/documents" variant="default">
                {t("app.home.allDocuments")}
              </Button>
              <Text size="sm" c="dimmed">
                {t("app.home.documentCount", { count })}
              </Text>
            </Group>
          </>
        )}
      </Loaded>
    </Card>
  );
}
