/** The page of a document with its versions. */

import { Button, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";

import { documentQuery, type EdmsSchemas } from "../../api/documents";
import { bytes, dateTime } from "../../components/format";
import { PageTitle } from "../../components/PageTitle";
import { Loaded } from "../../components/states";
import { t } from "../../i18n";
import { usePermission, useEdms } from "../../api/EdmsProvider";
import { DeleteDialog } from "./DeleteDialog";
import { VersionDialog } from "./VersionDialog";

export default function DocumentPage() {
  const { id = "" } = useParams();
  const query = useQuery(documentQuery(useEdms().api, id));
  return (
    <>
      {query.data === undefined && <PageTitle text={t("app.documents")} />}
      <Loaded query={query}>{(document) => <View document={document} />}</Loaded>
    </>
  );
}

function View({ document }: { document: EdmsSchemas["DocumentDetail"] }) {
  const [adding, add] = useDisclosure();
  const [deleting, remove] = useDisclosure();
  const facts: [string, string][] = [
    [t("documents.document.state"), t(`documents.document.states.${document.state}`)],
    [t("documents.document.category"), document.category],
    [t("documents.document.owner"), document.owner ?? t("documents.document.nobody")],
    [t("documents.document.created"), dateTime(document.created_at)],
    [t("documents.document.changed"), dateTime(document.updated_at)],
  ];
  return (
    <>
      <Text c="dimmed" size="sm">
        {document.number}
      </Text>
      <PageTitle text={document.title} />
      <Group mb="md">
        {usePermission("documents.change_document") && (
          <Button onClick={add.open}>{t("documents.document.addVersion")}</Button>
        )}
        {usePermission("documents.delete_document") && (
          <Button variant="outline" color="red" onClick={remove.open}>
            {t("common.delete")}
          </Button>
        )}
      </Group>
      <SimpleGrid component="dl" cols={{ base: 2, sm: 3, lg: 5 }} my="md">
        {facts.map(([name, value]) => (
          <div key={name}>
            <Text component="dt" size="sm" c="dimmed">
              {name}
            </Text>
            <Text component="dd" m={0}>
              {value}
            </Text>
          </div>
        ))}
      </SimpleGrid>
      <Title order={2} size="h4" mb="xs">
        {t("documents.document.versions")}
      </Title>
      <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: "none" }}>
        {document.versions.map((version) => (
          <Version key={version.id} version={version} />
        ))}
      </Stack>
      <VersionDialog document={document} opened={adding} onClose={add.close} />
      <DeleteDialog document={document} opened={deleting} onClose={remove.close} />
    </>
  );
}

function Version({ version }: { version: EdmsSchemas["Version"] }) {
  const { apiUrl } = useEdms();
  return (
    <Paper component="li" withBorder p="sm">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div>
          <Text fw={600} style={{ overflowWrap: "anywhere" }}>
            {version.number}. {version.source_name}
          </Text>
          <Text size="sm" c="dimmed">
            {bytes(version.size)}, {dateTime(version.created_at)}
          </Text>
          <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
            {t("documents.document.fingerprint")} {version.sha256}
          </Text>
        </div>
        <Button
          component="a"
          href={`${apiUrl}/documents/versions/${version.id}/content/`}
          download
          size="xs"
          variant="default"
          aria-label={t("documents.document.downloadVersion", { number: version.number })}
          style={{ flexShrink: 0 }}
        >
          {t("documents.document.download")}
        </Button>
      </Group>
    </Paper>
  );
}
