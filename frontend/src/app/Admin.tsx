/** The door to what administrators do. */

import { Box, Button, SimpleGrid, Text } from "@mantine/core";
import { Link } from "react-router";

import { PageTitle } from "../components/PageTitle";
import { t } from "../i18n";
import { Card } from "./Card";
import { usePermission, useEdms, useSession } from "../api/EdmsProvider";
import { Protection } from "./ProtectionSummary";

export default function Admin() {
  const { adminUrl } = useEdms();
  const { user, permissions } = useSession();
  const seesBackups = usePermission("backup.view_backups");
  return (
    <>
      <PageTitle text={t("shell.admin")} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card title={t("shell.backups")}>
          <Text>{t("shell.adminPage.backupsText")}</Text>
          {seesBackups && (
            <Box>
              <Protection />
            </Box>
          )}
          {permissions.some((one) => one.startsWith("backup.")) ? (
            <Button component={Link} to="/admin/backup">
              {t("shell.adminPage.openBackups")}
            </Button>
          ) : (
            <Text c="dimmed">{t("shell.adminPage.noBackups")}</Text>
          )}
        </Card>
        {user?.is_staff && (
          <Card title={t("shell.adminPage.accounts")}>
            <Text>{t("shell.adminPage.accountsText")}</Text>
            <Button component="a" href={adminUrl} variant="default">
              {t("shell.adminPage.openAccounts")}
            </Button>
          </Card>
        )}
      </SimpleGrid>
    </>
  );
}
