/**
 * Previews a small text or picture of a backup.
 *
 * Anyone may have written the contents of a backup, so they are never opened as a page. Text is shown as text. A
 * picture is only decoded, and only in a few formats without scripts.
 */

import { Button, Group, Image, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { ApiError, type Headers, type Schemas } from "../../../api/client";
import { useApiUrl, useHeaders } from "../../../api/ApiProvider";
import { t } from "../../../i18n";
import { LONG_TITLE_STYLES } from "../../../components/Dialog";
import { bytes } from "../../../components/format";
import { Loaded } from "../../../components/states";
import { downloadPath, DownloadButton } from "./DownloadButton";

type Entry = Schemas["Entry"];

const MOST_TEXT = 100_000;
const MOST_PICTURE = 10_000_000;
const PICTURES: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  bmp: "image/bmp",
};

interface Props {
  job: string;
  entry: Entry | null;
  onClose: () => void;
}

export function Preview({ job, entry, onClose }: Props) {
  return (
    <Modal
      opened={entry !== null}
      onClose={onClose}
      size="xl"
      title={entry?.name}
      closeButtonProps={{ "aria-label": t("common.close") }}
      styles={LONG_TITLE_STYLES}
    >
      {entry && (
        <Stack>
          <Content job={job} entry={entry} />
          <Group justify="flex-end">
            <DownloadButton job={job} path={entry.path} text={t("history.files.downloadShort")} name={entry.name} />
            <Button size="compact-sm" variant="default" onClick={onClose}>
              {t("common.close")}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

function Content({ job, entry }: { job: string; entry: Entry }) {
  const url = useApiUrl();
  const headers = useHeaders();
  const picture = PICTURES[entry.name.split(".").at(-1)?.toLowerCase() ?? ""];
  const size = entry.size ?? 0;
  const fits = size > 0 && (!picture || size <= MOST_PICTURE);
  const query = useQuery({
    queryKey: ["files", job, "content", entry.path],
    queryFn: () =>
      fetchContent(url(downloadPath(job, entry.path)), picture ? null : Math.min(size, MOST_TEXT), headers),
    enabled: fits,
    staleTime: Infinity,
    gcTime: 0,
  });
  if (!fits) {
    return <Text>{t(size === 0 ? "history.files.emptyFile" : "history.files.tooLarge")}</Text>;
  }
  return (
    <Loaded query={query}>
      {(content) =>
        picture ? (
          <Picture content={content} type={picture} name={entry.name} />
        ) : (
          <PlainText content={content} size={size} />
        )
      }
    </Loaded>
  );
}

/** Fetch the content, or its first `most` bytes. */
async function fetchContent(address: string, most: number | null, more?: Headers): Promise<ArrayBuffer> {
  const range = most === null ? {} : { Range: `bytes=0-${most - 1}` };
  const headers = { ...(await more?.()), ...range };
  const answer = await fetch(address, { headers, credentials: "same-origin" }).catch((error: unknown) => {
    throw new ApiError(0, null, String(error));
  });
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => null)) as Schemas["Problem"] | null;
    throw new ApiError(answer.status, problem, problem?.detail ?? `${answer.status} ${answer.statusText}`);
  }
  return answer.arrayBuffer();
}

function Picture({ content, type, name }: { content: ArrayBuffer; type: string; name: string }) {
  const [address, setAddress] = useState("");
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([content], { type }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [content, type]);
  if (broken) {
    return <Text>{t("history.files.noPreview")}</Text>;
  }
  return address && <Image src={address} alt={name} fit="contain" mah="60vh" onError={() => setBroken(true)} />;
}

function PlainText({ content, size }: { content: ArrayBuffer; size: number }) {
  const text = textOf(content, content.byteLength < size);
  if (text === null) {
    return <Text>{t("history.files.noPreview")}</Text>;
  }
  return (
    <>
      <pre
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the keyboard has to reach what scrolls
        tabIndex={0}
        style={{
          margin: 0,
          maxHeight: "60vh",
          overflow: "auto",
          fontSize: "0.85rem",
          whiteSpace: "pre-wrap",
          overflowWrap: "anywhere",
        }}
      >
        {text}
      </pre>
      {content.byteLength < size && (
        <Text size="sm" c="dimmed">
          {t("history.files.cutText", { shown: bytes(content.byteLength), size: bytes(size) })}
        </Text>
      )}
    </>
  );
}

/** Decode the content as text, or return null when it is none. A character that the end cuts in two is allowed. */
function textOf(content: ArrayBuffer, cut: boolean): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(content, { stream: cut });
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
