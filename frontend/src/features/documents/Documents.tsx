/** The list of documents. The search and the page stand in the address. */

import { Alert, Anchor, Button, Group, Pagination, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useSearchParams } from "react-router";

import { documentsQuery, type EdmsSchemas } from "../../api/documents";
import { bytes, dateTime } from "../../components/format";
import { PageTitle } from "../../components/PageTitle";
import { SearchField } from "../../components/SearchField";
import { EmptyState, Loaded } from "../../components/states";
import { type Column, DataTable } from "../../components/table/DataTable";
import { t } from "../../i18n";
import { usePermission, useEdms } from "../../api/EdmsProvider";
import { UploadDialog } from "./UploadDialog";

const PAGE_SIZE = 25;

const COLUMNS: Column<EdmsSchemas["Document"]>[] = [
  { header: "documents.list.number", visibleFrom: "sm", cell: (one) => one.number },
  {
    header: "documents.list.title",
    wrap: "anywhere",
    cell: (one) => (
      <Anchor component={Link} to={`/documents/${one.id}`}>
        {one.title}
      </Anchor>
    ),
  },
  { header: "documents.list.category", visibleFrom: "md", cell: (one) => one.category },
  { header: "documents.list.versions", visibleFrom: "md", align: "right", cell: (one) => one.version_count },
  { header: "documents.list.size", align: "right", wrap: "never", cell: (one) => bytes(one.size) },
  { header: "documents.list.updated", visibleFrom: "sm", cell: (one) => dateTime(one.updated_at) },
];

export default function Documents() {
  const { api } = useEdms();
  const [search, setSearch] = useSearchParams();
  const text = search.get("q") ?? "";
  const page = Math.max(1, Number(search.get("page")) || 1);
  const query = useQuery(documentsQuery(api, { q: text, page, page_size: PAGE_SIZE }));
  const { state } = useLocation() as { state: { deleted?: string } | null };
  const [uploading, upload] = useDisclosure();
  const mayAdd = usePermission("documents.add_document");
  return (
    <>
      <PageTitle text={t("app.documents")} />
      {state?.deleted && (
        <Alert role="status" mb="md" py="xs">
          {t("documents.list.deleted", { number: state.deleted })}
        </Alert>
      )}
      <Group mb="md" align="end">
        <SearchField
          label={t("documents.list.searchLabel")}
          placeholder={t("documents.list.search")}
          value={text}
          onChange={(q) => setSearch(q ? { q } : {}, { replace: true })}
          maw={420}
        />
        {mayAdd && <Button onClick={upload.open}>{t("documents.upload.open")}</Button>}
      </Group>
      <Loaded query={query}>
        {({ count, results }) =>
          count === 0 ? (
            <NoDocuments text={text} onClear={() => setSearch({})} />
          ) : (
            <>
              <Text size="sm" c="dimmed" role="status" mb="xs">
                {t("documents.list.found", { count })}
              </Text>
              <DataTable
                columns={COLUMNS}
                rows={results}
                rowKey={(one) => one.id}
                highlightOnHover
                verticalSpacing="xs"
              />
              {count > PAGE_SIZE && (
                <Pagination
                  mt="md"
                  total={Math.ceil(count / PAGE_SIZE)}
                  value={page}
                  onChange={(next) => setSearch({ ...(text ? { q: text } : {}), page: String(next) })}
                  getItemProps={(number) => ({ "aria-label": String(number) })}
                  getControlProps={(control) => ({
                    "aria-label": t(control === "next" ? "common.next" : "common.previous"),
                  })}
                  aria-label={t("documents.list.pages")}
                />
              )}
            </>
          )
        }
      </Loaded>
      <UploadDialog opened={uploading} onClose={upload.close} />
    </>
  );
}

function NoDocuments({ text, onClear }: { text: string; onClear: () => void }) {
  if (text === "") {
    return (
      <EmptyState title={t("documents.list.empty")} order={2}>
        <Text>{t("documents.list.emptyText")}</Text>
      </EmptyState>
    );
  }
  return (
    <EmptyState title={t("documents.list.nothingFound", { text })} order={2}>
      <Button variant="default" onClick={onClear}>
        {t("documents.list.clear")}
      </Button>
    </EmptyState>
  );
}
