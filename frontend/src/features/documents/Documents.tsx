/** All documents: searched, a page at a time; both stand in the address. */

import { Alert, Anchor, Button, Group, Pagination, Table, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useSearchParams } from "react-router";

import { documentsQuery, type EdmsSchemas } from "../../api/documents";
import { bytes, dateTime } from "../../components/format";
import { PageTitle } from "../../components/PageTitle";
import { SearchField } from "../../components/SearchField";
import { EmptyState, Loaded } from "../../components/states";
import { t } from "../../i18n";
import { usePermission, useEdms } from "../../api/EdmsProvider";
import { UploadDialog } from "./UploadDialog";

const PAGE_SIZE = 25;

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
      <PageTitle text={t("shell.documents")} />
      {state?.deleted && (
        <Alert role="status" mb="md" py="xs">
          {t("shell.list.deleted", { number: state.deleted })}
        </Alert>
      )}
      <Group mb="md" align="end">
        <SearchField
          label={t("shell.list.searchLabel")}
          placeholder={t("shell.list.search")}
          value={text}
          onChange={(q) => setSearch(q ? { q } : {}, { replace: true })}
          maw={420}
        />
        {mayAdd && <Button onClick={upload.open}>{t("shell.upload.open")}</Button>}
      </Group>
      <Loaded query={query}>
        {({ count, results }) =>
          count === 0 ? (
            <NoDocuments text={text} onClear={() => setSearch({})} />
          ) : (
            <>
              <Text size="sm" c="dimmed" role="status" mb="xs">
                {t("shell.list.found", { count })}
              </Text>
              <Rows documents={results} />
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
                  aria-label={t("shell.list.pages")}
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
      <EmptyState title={t("shell.list.empty")} order={2}>
        <Text>{t("shell.list.emptyText")}</Text>
      </EmptyState>
    );
  }
  return (
    <EmptyState title={t("shell.list.nothingFound", { text })} order={2}>
      <Button variant="default" onClick={onClear}>
        {t("shell.list.clear")}
      </Button>
    </EmptyState>
  );
}

function Rows({ documents }: { documents: EdmsSchemas["Document"][] }) {
  return (
    <Table highlightOnHover verticalSpacing="xs" layout="auto">
      <Table.Thead>
        <Table.Tr>
          <Table.Th visibleFrom="sm">{t("shell.list.number")}</Table.Th>
          <Table.Th>{t("shell.list.title")}</Table.Th>
          <Table.Th visibleFrom="md">{t("shell.list.category")}</Table.Th>
          <Table.Th visibleFrom="md" ta="end">
            {t("shell.list.versions")}
          </Table.Th>
          <Table.Th ta="end">{t("shell.list.size")}</Table.Th>
          <Table.Th visibleFrom="sm">{t("shell.list.updated")}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {documents.map((one) => (
          <Table.Tr key={one.id}>
            <Table.Td visibleFrom="sm">{one.number}</Table.Td>
            <Table.Td style={{ overflowWrap: "anywhere" }}>
              <Anchor component={Link} to={`/documents/${one.id}`}>
                {one.title}
              </Anchor>
            </Table.Td>
            <Table.Td visibleFrom="md">{one.category}</Table.Td>
            <Table.Td visibleFrom="md" ta="end">
              {one.version_count}
            </Table.Td>
            <Table.Td ta="end" style={{ whiteSpace: "nowrap" }}>
              {bytes(one.size)}
            </Table.Td>
            <Table.Td visibleFrom="sm">{dateTime(one.updated_at)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
