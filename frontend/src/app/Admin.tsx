/** The administration page. */

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
      <PageTitle text={t("app.admin")} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card title={t("navigation.backups")}>
          <Text>{t("app.adminPage.backupsText")}</Text>
          {seesBackups && (
            <Box>
              <Protection />
            </Box>
          )}
          {permissions.some((one) => one.startsWith("backup.")) ? (
            <Button component={Link} to="/admin/backup">
              {t("app.adminPage.openBackups")}
            </Button>
          ) : (
            <Text c="dimmed">{t("app.adminPage.noBackups")}</Text>
          )}
        </Card>
        {user?.is_staff && (
          <Card title={t("app.adminPage.accounts")}>
            <Text>{t("app.adminPage.accountsText")}</Text>
            <Button component="a" href={adminUrl} variant="default">
              {t("app.adminPage.openAccounts")}
            </Button>
          </Card>
        )}
      </SimpleGrid>
    </>
  );
}
