/** Uploads a package of another system, and lists earlier uploads. */

import { Alert, Button, Card, FileButton, Group, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import { unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { uploadsQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { RequestError } from "../../../components/Dialog";
import { bytes } from "../../../components/format";
import { ProgressView } from "../../../components/ProgressView";
import { Loaded } from "../../../components/states";
import type { Upload as Sent } from "./tusUpload";
import { type Sending, useUpload } from "./usePackageUpload";

export function Upload() {
  const upload = useUpload();
  const [other, setOther] = useState("");
  const { sending } = upload;
  const current = sending.state === "idle" ? null : sending.upload;
  const busy = sending.state !== "idle" && sending.state !== "failed" && sending.state !== "done";
  const goOn = (file: File, before: Sent) => {
    const same = file.name === before.name && file.size === before.size;
    setOther(same ? "" : t("restore.upload.otherFile", { got: file.name, wanted: before.name }));
    if (same) {
      void upload.start(file, before);
    }
  };
  return (
    <Stack>
      <Title order={4}>{t("restore.upload.title")}</Title>
      <Text>{t("restore.upload.text")}</Text>
      {!busy && (
        <FileButton onChange={(file) => file && void upload.start(file)} accept=".gz,.tgz,.gpg">
          {(props) => (
            <Button {...props} style={{ alignSelf: "flex-start" }}>
              {t("restore.upload.choose")}
            </Button>
          )}
        </FileButton>
      )}
      {sending.state === "failed" && (
        <Alert color="red" role="alert">
          {t("restore.upload.failed", { message: sending.message })}
        </Alert>
      )}
      {sending.state !== "idle" && sending.state !== "failed" && <CurrentUpload sending={sending} upload={upload} />}
      {other && (
        <Alert color="yellow" role="alert">
          {other}
        </Alert>
      )}
      <EarlierUploads current={current?.uuid} onFile={goOn} busy={busy} />
    </Stack>
  );
}

interface CurrentProps {
  sending: Exclude<Sending, { state: "idle" | "failed" }>;
  upload: ReturnType<typeof useUpload>;
}

function CurrentUpload({ sending, upload }: CurrentProps) {
  const base = useConsolePath();
  const { progress, state } = sending;
  const { name, size, uuid } = sending.upload;
  return (
    <Card withBorder>
      <Stack gap="xs">
        <ProgressView progress={progress} />
        <div role="status">
          {state === "paused" && <Text size="sm">{t("restore.upload.paused")}</Text>}
          {state === "broken" && (
            <Text size="sm">{t("restore.upload.broken", { seconds: sending.seconds, message: sending.message })}</Text>
          )}
          {state === "done" && <Text size="sm">{t("restore.upload.done", { name, size: bytes(size) })}</Text>}
        </div>
        <Group>
          {state === "done" ? (
            <Button component={Link} to={`${base}/restore?upload=${uuid}`}>
              {t("restore.upload.use")}
            </Button>
          ) : (
            <>
              {/* One button for both actions, so that it keeps the focus. */}
              <Button
                variant={state === "paused" ? "filled" : "default"}
                onClick={state === "paused" ? upload.resume : upload.pause}
              >
                {t(state === "paused" ? "restore.upload.resume" : "restore.upload.pause")}
              </Button>
              {state === "broken" && <Button onClick={upload.resume}>{t("restore.upload.resume")}</Button>}
            </>
          )}
        </Group>
      </Stack>
    </Card>
  );
}

interface EarlierProps {
  current: string | undefined;
  busy: boolean;
  onFile: (file: File, upload: Sent) => void;
}

/** The earlier uploads of the user. Complete ones can be restored, others can be resumed. */
function EarlierUploads({ current, busy, onFile }: EarlierProps) {
  const query = useQuery(uploadsQuery(useApi()));
  return (
    <Loaded query={query}>
      {({ results }) => {
        const others = results.filter((one) => one.uuid !== current);
        return others.length === 0 ? null : (
          <Stack gap="xs">
            <Title order={4} size="h5">
              {t("restore.upload.earlier")}
            </Title>
            {others.map((one) => (
              <EarlierUpload key={one.uuid} upload={one} busy={busy} onFile={onFile} />
            ))}
            <Text size="sm" c="dimmed">
              {t("restore.upload.forgotten")} {others.some((one) => one.offset < one.size) && t("restore.upload.again")}
            </Text>
          </Stack>
        );
      }}
    </Loaded>
  );
}

function EarlierUpload({ upload, busy, onFile }: { upload: Sent } & Omit<EarlierProps, "current">) {
  const api = useApi();
  const base = useConsolePath();
  const queries = useQueryClient();
  const discard = useMutation({
    mutationFn: () => unwrap(api.DELETE("/uploads/{uuid}/", { params: { path: { uuid: upload.uuid } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["uploads"] }),
  });
  const { name, offset, size, uuid } = upload;
  const whole = offset === size;
  return (
    <Card withBorder p="sm">
      <Group justify="space-between">
        <div style={{ minWidth: 0 }}>
          <Text fw={600} style={{ overflowWrap: "anywhere" }}>
            {name}
          </Text>
          <Text size="sm">
            {whole
              ? `${t("restore.upload.whole")}, ${bytes(size)}`
              : t("restore.upload.part", { done: bytes(offset), total: bytes(size) })}
          </Text>
        </div>
        <Group gap="xs">
          {whole ? (
            <Button
              size="xs"
              component={Link}
              to={`${base}/restore?upload=${uuid}`}
              aria-label={t("restore.upload.useOf", { name })}
            >
              {t("restore.upload.use")}
            </Button>
          ) : (
            !busy && (
              <FileButton onChange={(file) => file && onFile(file, upload)}>
                {(props) => (
                  <Button {...props} size="xs" variant="light">
                    {t("restore.upload.chooseAgain", { name })}
                  </Button>
                )}
              </FileButton>
            )
          )}
          <ActionButton
            size="xs"
            variant="default"
            onClick={() => discard.mutate()}
            pending={discard.isPending}
            aria-label={t("restore.upload.discardOf", { name })}
          >
            {t("restore.upload.discard")}
          </ActionButton>
        </Group>
      </Group>
      <RequestError error={discard.error} />
    </Card>
  );
}
