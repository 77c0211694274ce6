/** The changes to configurations, with a notification about the result. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { type ApiError, answerOf, type Schemas, unwrap } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { t } from "../../../i18n";
import { useConsolePath } from "../consolePath";
import { useNotify } from "../../../components/notifications";
import { changesOf, type Configuration, type Draft, requestOf } from "./formValues";

function isConflict(value: unknown): value is Schemas["Conflict"] {
  return typeof value === "object" && value !== null && "status" in value && value.status === "conflict";
}

/** Return a function that refetches everything that shows configurations. Its promise ends with the last answer. */
function useRefresh(): () => Promise<unknown> {
  const queries = useQueryClient();
  return () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ["configurations"] }),
      queries.invalidateQueries({ queryKey: ["configuration"] }),
      queries.invalidateQueries({ queryKey: ["status"] }),
    ]);
}

/** Enable or disable the schedule. Until the server answers, `variables` holds the new state. */
export function useToggleSchedule(row: Configuration) {
  const api = useApi();
  const notify = useNotify();
  const refresh = useRefresh();
  const params = { path: { uuid: row.uuid } };
  const change = useMutation({
    mutationFn: (on: boolean) =>
      unwrap(
        on
          ? api.POST("/configurations/{uuid}/enable/", { params })
          : api.POST("/configurations/{uuid}/disable/", { params }),
      ),
    onSuccess: (_row, on) =>
      notify({
        tone: "good",
        title: t(`configurations.${on ? "enabledNow" : "disabledNow"}`, { name: row.name }),
        undo: () => change.mutate(!on),
      }),
    onError: (error) =>
      notify({ tone: "bad", title: t("configurations.refused", { name: row.name }), text: error.message }),
    onSettled: refresh,
  });
  return change;
}

/** Start a run. The answer says whether it was queued, or refused because another run is active. */
export function useRunNow(row: Configuration) {
  const api = useApi();
  const notify = useNotify();
  const refresh = useRefresh();
  const base = useConsolePath();
  const seen = (job: string) => ({ to: `${base}/history/${job}`, label: t("configurations.openJob") });
  return useMutation({
    mutationFn: async () => {
      const asked = api.POST("/configurations/{uuid}/run-now/", { params: { path: { uuid: row.uuid } } });
      const answer = await answerOf(asked);
      return isConflict(answer.error) ? answer.error : unwrap(Promise.resolve(answer));
    },
    onSuccess: (said) =>
      notify({
        tone: said.status === "started" ? "good" : "note",
        title: t(`configurations.${said.status}`, { name: row.name }),
        text: said.message,
        link: seen(said.job_id),
      }),
    onError: (error) =>
      notify({ tone: "bad", title: t("configurations.refused", { name: row.name }), text: error.message }),
    onSettled: refresh,
  });
}

/** Delete a configuration. With two-person approval, this only requests the deletion. */
export function useDelete(row: Configuration, onDone: (deleted: boolean) => void) {
  const api = useApi();
  const notify = useNotify();
  const refresh = useRefresh();
  const base = useConsolePath();
  return useMutation({
    mutationFn: (backups: boolean) =>
      unwrap(
        api.DELETE("/configurations/{uuid}/", {
          params: { path: { uuid: row.uuid }, query: backups ? { backups } : {} },
        }),
      ),
    onSuccess: (operation) => {
      if (operation?.status === "PENDING") {
        const link = { to: `${base}/configurations/${row.uuid}`, label: t("configurations.seeDeletion") };
        const text = t("configurations.deletingText");
        notify({ tone: "note", title: t("configurations.deleting", { name: row.name }), text, link });
      } else if (operation?.status === "AWAITING_APPROVAL") {
        const text = t("configurations.deleteAskedText", { name: row.name });
        const link = { to: `${base}/restore`, label: t("configurations.seeWaiting") };
        notify({ tone: "note", title: t("configurations.deleteAsked"), text, link });
      } else {
        const title = t("configurations.deleted", { name: row.name });
        notify({ tone: "good", title, text: t("configurations.deletedText") });
      }
      onDone(operation === undefined);
      return refresh();
    },
  });
}

export function useDuplicate(row: Configuration, onDone: () => void) {
  const api = useApi();
  const notify = useNotify();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (name: string) =>
      unwrap(api.POST("/configurations/{uuid}/duplicate/", { params: { path: { uuid: row.uuid } }, body: { name } })),
    onSuccess: (made) => {
      notify({
        tone: "good",
        title: t("configurations.duplicated", { name: made.name }),
        text: t("configurations.duplicatedText"),
      });
      onDone();
      return refresh();
    },
  });
}

/** Create or change a configuration. The form shows the errors of fields. */
export function useSave(row: Configuration | null, onDone: () => void) {
  const api = useApi();
  const notify = useNotify();
  const refresh = useRefresh();
  return useMutation<Configuration, ApiError, { draft: Draft; saved: Draft }>({
    mutationFn: ({ draft, saved }) =>
      unwrap(
        row === null
          ? api.POST("/configurations/", { body: requestOf(draft) })
          : api.PATCH("/configurations/{uuid}/", {
              params: { path: { uuid: row.uuid } },
              body: changesOf(draft, saved),
            }),
      ),
    onSuccess: (saved) => {
      notify({ tone: "good", title: t(`configurations.${row === null ? "created" : "saved"}`, { name: saved.name }) });
      onDone();
      return refresh();
    },
  });
}
