/** The navigation of the console, above the open view. */

import { Box, Tabs } from "@mantine/core";
import Archive from "lucide-react/icons/archive";
import History from "lucide-react/icons/history";
import RotateCcw from "lucide-react/icons/rotate-ccw";
import SettingsIcon from "lucide-react/icons/settings";
import Shield from "lucide-react/icons/shield";
import SlidersHorizontal from "lucide-react/icons/sliders-horizontal";
import { Outlet, useLocation, useNavigate } from "react-router";

import { t } from "../../i18n";
import { useConsolePath } from "./consolePath";
import { useFocusRestore } from "../../components/focusRestore";
import { PageTitle } from "../../components/PageTitle";
import { ConnectionBanner } from "../../components/states";

const ICONS = {
  overview: Shield,
  configurations: SlidersHorizontal,
  history: History,
  restore: RotateCcw,
  storage: Archive,
  settings: SettingsIcon,
} as const;
const VIEWS = Object.keys(ICONS) as (keyof typeof ICONS)[];

export function ConsoleLayout() {
  useFocusRestore();
  const navigate = useNavigate();
  const base = useConsolePath();
  const { pathname } = useLocation();
  const open = pathname.slice(base.length + 1).split("/")[0] ?? "overview";
  const view = open === "restores" ? "restore" : open;
  const known = VIEWS.find((name) => name === view);
  return (
    <Box>
      <PageTitle text={t("navigation.backups")} {...(known ? { part: t(`navigation.${known}`) } : {})} />
      <Tabs value={view} onChange={(value) => value && void navigate(`${base}/${value}`)} mb="md">
        <Tabs.List aria-label={t("navigation.backups")}>
          {VIEWS.map((name) => {
            const Icon = ICONS[name];
            return (
              <Tabs.Tab key={name} value={name} px={{ base: 8, xs: "md" }} leftSection={<Icon size={16} aria-hidden />}>
                {t(`navigation.${name}`)}
              </Tabs.Tab>
            );
          })}
        </Tabs.List>
      </Tabs>
      {/* The page of a restore polls, and reports itself how far it knows the state. */}
      {open !== "restores" && <ConnectionBanner />}
      <Outlet />
    </Box>
  );
}
