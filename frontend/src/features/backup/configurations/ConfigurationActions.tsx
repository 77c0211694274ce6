/** The actions for one configuration. */

import { ActionIcon, Group, Menu, Switch } from "@mantine/core";
import { Link, useLocation } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { Allowed, usePermission } from "../permissions";
import { menuFocusId, useOpenDialog } from "./ConfigurationDialogs";
import { type Configuration, isScheduleActive } from "./formValues";
import { useRunNow, useToggleSchedule } from "./mutations";

/** Shows the new state at once, and the old one when the server refuses. */
export function ScheduleSwitch({ row }: { row: Configuration }) {
  const change = useToggleSchedule(row);
  const may = usePermission("configure_backups");
  const on = change.isPending ? change.variables : isScheduleActive(row);
  return (
    <Switch
      checked={on}
      onChange={(event) => change.mutate(event.currentTarget.checked)}
      aria-label={t("configurations.switchLabel", { name: row.name })}
      disabled={!may}
    />
  );
}

/** The state of a link to the editor: whether it opens above the list, or above the page of the configuration. */
export interface EditorState {
  isInList: boolean;
}

export function ConfigurationActions({ row }: { row: Configuration }) {
  const ask = useOpenDialog();
  const run = useRunNow(row);
  const base = useConsolePath();
  const { search, pathname } = useLocation();
  const isInList = !pathname.includes(row.uuid);
  const mayConfigure = usePermission("configure_backups");
  const mayRestore = usePermission("restore_backups") && row.last_good;
  return (
    <Group gap="xs" wrap="nowrap" justify="flex-end">
      <Allowed to="run_backups">
        <ActionButton
          size="xs"
          variant="light"
          pending={run.isPending}
          onClick={() => run.mutate()}
          aria-label={t("configurations.runNowOf", { name: row.name })}
        >
          {t("configurations.runNow")}
        </ActionButton>
      </Allowed>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            data-focus-id={menuFocusId(row)}
            variant="default"
            aria-label={t("configurations.moreOf", { name: row.name })}
          >
            <span aria-hidden>⋯</span>
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item component={Link} to={`${base}/history?configuration=${row.uuid}`}>
            {t("configurations.history")}
          </Menu.Item>
          {mayConfigure && (
            <>
              <Menu.Item
                component={Link}
                to={{ pathname: `${base}/configurations/${row.uuid}/edit`, search }}
                state={{ isInList } satisfies EditorState}
              >
                {t("configurations.edit")}
              </Menu.Item>
              <Menu.Item onClick={() => ask("duplicate", row)}>{t("configurations.duplicate")}</Menu.Item>
            </>
          )}
          {mayRestore && (
            <Menu.Item component={Link} to={`${base}/restore?backup=${mayRestore.uuid}`}>
              {t("configurations.restoreFrom")}
            </Menu.Item>
          )}
          {mayConfigure && (
            <>
              <Menu.Divider />
              <Menu.Item color="red" onClick={() => ask("delete", row)}>
                {t("configurations.remove")}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
