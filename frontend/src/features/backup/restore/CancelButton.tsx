/** Cancels a restore before its swap. */

import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ActionButton } from "../../../components/ActionButton";
import { ApiError, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { t } from "../../../i18n";
import { Dialog, RequestError } from "../../../components/Dialog";
import { useNotify } from "../../../components/notifications";

export function CancelButton({ restore }: { restore: string }) {
  const api = useApi();
  const notify = useNotify();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const cancel = useMutation({
    mutationFn: () =>
      unwrap(api.POST("/restores/{uuid}/cancel/", { params: { path: { uuid: restore } }, body: { reason: "" } })),
    onSuccess: () => {
      notify({ tone: "note", title: t("restore.page.cancelled") });
      setAsking(false);
    },
    onError: (error) => {
      // The swap has started. This button and its dialog disappear, so the notification tells the reason.
      if (error instanceof ApiError && error.status === 409) {
        notify({ tone: "bad", title: t("restore.page.notCancelled"), text: error.message });
        setAsking(false);
      }
    },
    // After a refusal the shown state is out of date, too.
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["restore", restore] }),
        queries.invalidateQueries({ queryKey: ["operations"] }),
      ]),
  });
  return (
    <>
      <Button id="cancel-restore" variant="default" onClick={() => setAsking(true)} style={{ alignSelf: "flex-start" }}>
        {t("restore.page.cancel")}
      </Button>
      <Dialog
        title={t("restore.page.cancelTitle")}
        opened={asking}
        onClose={() => setAsking(false)}
        returnTo="cancel-restore"
      >
        <Stack>
          <Text>{t("restore.page.cancelText")}</Text>
          <RequestError error={cancel.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(false)} data-autofocus>
              {t("restore.page.goOn")}
            </Button>
            <ActionButton color="red" pending={cancel.isPending} onClick={() => cancel.mutate()}>
              {t("restore.page.cancelNow")}
            </ActionButton>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
