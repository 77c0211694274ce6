/** The list of all configurations, the page of one, and above them the drawer that edits one. */

import { Button, Group, Text, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useLocation, useNavigate, useParams } from "react-router";

import { useApi } from "../../../api/ApiProvider";
import { configurationPages } from "../../../api/queries";
import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { VIEW_HEADING_ID } from "../../../components/Dialog";
import { NotificationsProvider } from "../../../components/notifications";
import { Allowed } from "../permissions";
import { EmptyState } from "../../../components/states";
import { PagedList } from "../../../components/table/PagedList";
import type { EditorState } from "./ConfigurationActions";
import { DialogsProvider } from "./ConfigurationDialogs";
import { ConfigurationEditor } from "./ConfigurationEditor";
import { ConfigurationPage } from "./ConfigurationPage";
import { ConfigurationGrid, ConfigurationTable } from "./ConfigurationList";
import { ConfigurationFilters, useListView } from "./ConfigurationFilters";

const PHONE = "(max-width: 48em)";

export default function Configurations() {
  const base = useConsolePath();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { state } = useLocation() as { state: EditorState | null };
  const [first = "", second] = (useParams()["*"] ?? "").split("/");
  const which = first === "new" || second === "edit" ? first : null;
  const page = first === "" || first === "new" || (which && state?.isInList) ? null : first;
  return (
    <NotificationsProvider>
      <DialogsProvider>{page ? <ConfigurationPage key={page} uuid={page} /> : <ConfigurationList />}</DialogsProvider>
      <ConfigurationEditor
        which={which}
        onClose={() => void navigate({ pathname: `${base}/configurations${page ? `/${page}` : ""}`, search })}
      />
    </NotificationsProvider>
  );
}

function ConfigurationList() {
  const base = useConsolePath();
  const { search } = useLocation();
  return (
    <>
      <Group justify="space-between" mb="sm" align="flex-start">
        <div>
          <Title order={2} id={VIEW_HEADING_ID} tabIndex={-1}>
            {t("configurations.title")}
          </Title>
          <Text c="dimmed">{t("configurations.intro")}</Text>
        </div>
        <Allowed to="configure_backups">
          <Button id="new-configuration" component={Link} to={{ pathname: `${base}/configurations/new`, search }}>
            {t("configurations.create")}
          </Button>
        </Allowed>
      </Group>
      <ConfigurationResults />
    </>
  );
}

function ConfigurationResults() {
  const view = useListView();
  const phone = useMediaQuery(PHONE);
  const query = useInfiniteQuery(configurationPages(useApi(), view.query));
  const sort = (ordering: string) => view.set("ordering", ordering === "name" ? null : ordering);
  return (
    <>
      <ConfigurationFilters view={view} />
      <PagedList query={query} empty={view.hasFilters ? <NoMatches /> : <NoConfigurations />}>
        {(rows) =>
          // A table of seven columns has no room on a phone. The cards show the same facts.
          view.layout === "grid" || phone ? (
            <ConfigurationGrid rows={rows} />
          ) : (
            <ConfigurationTable rows={rows} ordering={view.ordering} onSort={sort} />
          )
        }
      </PagedList>
    </>
  );
}

function NoConfigurations() {
  const base = useConsolePath();
  return (
    <EmptyState title={t("configurations.emptyTitle")}>
      <Text>{t("configurations.emptyText")}</Text>
      <Allowed to="configure_backups">
        <Button component={Link} to={`${base}/configurations/new`}>
          {t("configurations.create")}
        </Button>
      </Allowed>
    </EmptyState>
  );
}

function NoMatches() {
  const base = useConsolePath();
  return (
    <EmptyState title={t("configurations.emptySearchTitle")}>
      <Text>{t("configurations.emptySearchText")}</Text>
      <Button component={Link} to={`${base}/configurations`} variant="default">
        {t("configurations.clear")}
      </Button>
    </EmptyState>
  );
}
