/** The drawer that creates or edits a configuration. */

import { Alert, Button, Drawer, Fieldset, Group, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type SubmitEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { ActionButton } from "../../../components/ActionButton";
import { ApiError } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { configurationQuery, previewQuery, scheduleQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { Dialog, focusElement, LONG_TITLE_STYLES, RequestError } from "../../../components/Dialog";
import { Allowed, WithUserName, usePermission, useUserName } from "../permissions";
import { Loaded } from "../../../components/states";
import { discardDraft, hasDraft, useDraft } from "./drafts";
import { type Configuration, type Draft, requestOf } from "./formValues";
import { AdvancedFields, RetentionFields, ScheduleFields, BasicFields } from "./FormFields";
import { RetentionPreview, SchedulePreview } from "./FormPreviews";
import { useSave } from "./mutations";

const DEBOUNCE_MS = 350;
const RUNS = 5;

interface ConfigurationEditorProps {
  /** "new", the uuid of a configuration, or null while the drawer is closed. */
  which: string | null;
  onClose: () => void;
}

export function ConfigurationEditor({ which, onClose }: ConfigurationEditorProps) {
  const [dirty, setDirty] = useState(false);
  const [asking, setAsking] = useState(false);
  const title = useTitle(which);
  const user = useUserName();
  useEffect(() => setDirty(which !== null && user !== null && hasDraft(user, which)), [which, user]);
  const leave = () => {
    setAsking(false);
    setDirty(false);
    if (user !== null && which !== null) {
      discardDraft(user, which);
    }
    onClose();
  };
  // The last content stays visible while the drawer closes.
  const shown = useRef(which);
  shown.current = which ?? shown.current;
  return (
    <>
      <Drawer
        opened={which !== null}
        // Wait, because the key that closes the drawer would also close the question.
        onClose={() => (dirty ? window.setTimeout(() => setAsking(true)) : leave())}
        closeOnEscape={!asking}
        position="right"
        size="lg"
        title={title}
        returnFocus={false}
        onExitTransitionEnd={() =>
          focusElement(shown.current === "new" ? "new-configuration" : `edit-${shown.current}`)
        }
        closeButtonProps={{ "aria-label": t("common.close") }}
        // Title and buttons stay in view. Scroll so that the focused field is between them.
        styles={{ ...LONG_TITLE_STYLES, content: { scrollPaddingBlock: "5rem" } }}
      >
        {which !== null && (
          <WithUserName>
            {(name) => {
              const props = { user: name, setDirty, onDone: leave };
              return which === "new" ? <NewForm {...props} /> : <EditForm uuid={which} {...props} />;
            }}
          </WithUserName>
        )}
      </Drawer>
      <Dialog
        title={t("configurations.form.discardTitle")}
        opened={asking}
        onClose={() => setAsking(false)}
        returnTo="configuration-save"
      >
        <Stack>
          <Text size="sm">{t("configurations.form.discardText")}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(false)} data-autofocus>
              {t("configurations.form.stay")}
            </Button>
            <Button color="red" onClick={leave}>
              {t("configurations.form.discard")}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}

/** Return the title of the drawer; for users who may only view it, the name alone. */
function useTitle(which: string | null): string {
  const isThere = which !== null && which !== "new";
  const name = useQuery({ ...configurationQuery(useApi(), which ?? ""), enabled: isThere }).data?.name;
  const may = usePermission("configure_backups");
  if (!isThere) {
    return t("configurations.form.newTitle");
  }
  return name === undefined
    ? t("configurations.edit")
    : may === false
      ? name
      : t("configurations.form.editTitle", { name });
}

interface FormProps {
  user: string;
  setDirty: (dirty: boolean) => void;
  onDone: () => void;
}

function NewForm(props: FormProps) {
  const may = usePermission("configure_backups");
  return may === false ? (
    <Alert color="gray">{t("configurations.form.mayNotMake")}</Alert>
  ) : (
    <Form row={null} {...props} />
  );
}

function EditForm({ uuid, ...rest }: FormProps & { uuid: string }) {
  const query = useQuery(configurationQuery(useApi(), uuid));
  return <Loaded query={query}>{(row) => <Form key={row.uuid} row={row} {...rest} />}</Loaded>;
}

function Form({ user, row, setDirty, onDone }: FormProps & { row: Configuration | null }) {
  const api = useApi();
  const editing = useDraft(user, row);
  const { draft } = editing;
  const [edited, setEdited] = useState<ReadonlySet<keyof Draft>>(new Set());
  const save = useSave(row, onDone);
  const may = usePermission("configure_backups");
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // The fields were not loaded yet when the drawer took the focus.
    form.current?.querySelector<HTMLElement>("[data-autofocus]")?.focus({ preventScroll: true });
  }, []);
  // The preview does not depend on the name, which may still be missing.
  const [body] = useDebouncedValue({ ...requestOf(draft), name: draft.name || "new" }, DEBOUNCE_MS);
  const drafted = useQuery({ ...previewQuery(api, body), enabled: may === true });
  const saved = useQuery({ ...scheduleQuery(api, row?.uuid ?? "", RUNS), enabled: may === false && row !== null });
  const preview = may === false ? saved : drafted;
  const change = (changes: Partial<Draft>) => {
    editing.change(changes);
    setEdited((before) => new Set([...before, ...(Object.keys(changes) as (keyof Draft)[])]));
    setDirty(true);
  };
  const errorOf = (field: keyof Draft) =>
    save.error instanceof ApiError && !edited.has(field) ? save.error.field(field) : undefined;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setEdited(new Set());
    save.mutate(editing);
  };
  const fields = { draft, change, errorOf };
  const otherError = save.error && !save.error.problem?.errors.some((one) => one.field in draft) ? save.error : null;
  return (
    <form ref={form} onSubmit={submit} noValidate>
      <Stack>
        {may === false && <Text size="sm">{t("configurations.form.mayNot")}</Text>}
        {editing.isRestored && <Alert color="yellow">{t("configurations.form.left")}</Alert>}
        <FieldGroup fixed={may === false}>
          <BasicFields {...fields} />
          <ScheduleFields {...fields} zone={preview.data?.time_zone} />
        </FieldGroup>
        <SchedulePreview query={preview} />
        <FieldGroup fixed={may === false}>
          <RetentionFields {...fields} />
        </FieldGroup>
        <RetentionPreview draft={draft} saved={row?.uuid ?? null} />
        <FieldGroup fixed={may === false}>
          <AdvancedFields {...fields} opened={may === false} />
        </FieldGroup>
        <RequestError error={otherError} />
        <Group justify="flex-end" pos="sticky" bottom={0} bg="var(--mantine-color-body)" py="sm">
          <Button variant="default" onClick={onDone}>
            {t(may === false ? "common.close" : "common.cancel")}
          </Button>
          <Allowed to="configure_backups">
            <ActionButton id="configuration-save" type="submit" pending={save.isPending}>
              {t(`configurations.form.${row === null ? "create" : "save"}`)}
            </ActionButton>
          </Allowed>
        </Group>
      </Stack>
    </form>
  );
}

/** Fields that are disabled for users who may only view them. */
function FieldGroup({ fixed, children }: { fixed: boolean; children: ReactNode }) {
  return (
    <Fieldset variant="unstyled" disabled={fixed}>
      <Stack>{children}</Stack>
    </Fieldset>
  );
}
