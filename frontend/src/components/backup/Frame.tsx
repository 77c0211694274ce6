/** The console's own navigation, above the view that is open. */

import { Box, Tabs, Title } from "@mantine/core";
import { Outlet, useLocation, useNavigate, useResolvedPath } from "react-router";

import { t } from "../../i18n";
import { StaleBanner } from "./common/states";

const VIEWS = ["overview", "configurations", "history", "restore"] as const;

export function Frame() {
  const navigate = useNavigate();
  const base = useResolvedPath(".").pathname.replace(/\/$/, "");
  const { pathname } = useLocation();
  const open = pathname.slice(base.length + 1).split("/")[0] ?? "overview";
  const view = open === "restores" ? "restore" : open;
  return (
    <Box>
      <Title order={1} size="h2" mb="sm">
        {t("shell.backups")}
      </Title>
      <Tabs value={view} onChange={(value) => value && navigate(`${base}/${value}`)} mb="md">
        <Tabs.List aria-label={t("shell.backups")}>
          {VIEWS.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {t(`shell.${name}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </Tabs>
      <StaleBanner />
      <Outlet />
    </Box>
  );
}
