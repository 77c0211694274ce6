/** Buttons that download a backup or a part of it. The browser saves the data itself, whatever its size. */

import { Button, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";

import { ActionButton } from "../../../components/ActionButton";
import { unwrap } from "../../../api/client";
import { useApi, useApiUrl, useHeaders } from "../../../api/ApiProvider";
import { t } from "../../../i18n";

/** Return the download address of a path in a backup. The empty path is the whole backup. */
export function downloadPath(job: string, path: string): string {
  return `/jobs/${job}/download/${path && `?path=${encodeURIComponent(path)}`}`;
}

interface Props {
  job: string;
  path: string;
  text: string;
  name?: string;
  size?: "compact-sm" | "sm";
}

export function DownloadButton(props: Props) {
  // A link sends the session but no headers. With token headers, the download needs a ticket.
  return useHeaders() === undefined ? <Link {...props} /> : <TicketDownloadButton {...props} />;
}

function labelOf(name: string | undefined) {
  return name ? { "aria-label": t("history.files.downloadThis", { name }) } : {};
}

function Link({ job, path, text, name, size = "compact-sm" }: Props) {
  const url = useApiUrl();
  return (
    <Button component="a" href={url(downloadPath(job, path))} download size={size} variant="default" {...labelOf(name)}>
      {text}
    </Button>
  );
}

function TicketDownloadButton({ job, path, text, name, size = "compact-sm" }: Props) {
  const api = useApi();
  const url = useApiUrl();
  const asking = useMutation({
    mutationFn: () => unwrap(api.POST("/jobs/{uuid}/download/", { params: { path: { uuid: job } }, body: { path } })),
    onSuccess: ({ ticket }) => save(url(`/jobs/${job}/download/?${new URLSearchParams({ path, ticket })}`)),
  });
  return (
    <>
      <ActionButton
        size={size}
        variant="default"
        pending={asking.isPending}
        onClick={() => asking.mutate()}
        {...labelOf(name)}
      >
        {text}
      </ActionButton>
      {asking.error && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {asking.error.message}
        </Text>
      )}
    </>
  );
}

/** Make the browser save an address. The page stays open. */
function save(address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.click();
}
