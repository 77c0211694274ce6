/** The drawer in which a configuration is made or changed. */

import { Alert, Button, Drawer, Fieldset, Group, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { ApiError } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { configurationQuery, previewQuery, scheduleQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { Dialog, focusOn, LONG_TITLE, Refusal } from "../../../components/Dialog";
import { Allowed, Own, useMay, useOwnName } from "../permissions";
import { Loaded } from "../../../components/states";
import { forget, isBegun, useDraft } from "./drafts";
import { type Configuration, type Draft, requestOf } from "./draft";
import { DetailFields, RetentionFields, ScheduleFields, WhatFields } from "./FormFields";
import { RetentionPreview, SchedulePreview } from "./FormPreviews";
import { useSave } from "./mutations";

const PATIENCE_MS = 350;
const RUNS = 5;
const RULES = ["retention_days", "max_backups", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"] as const;

interface EditorProps {
  /** "new", the uuid of one, or null while the drawer is closed. */
  which: string | null;
  onClose: () => void;
}

export function Editor({ which, onClose }: EditorProps) {
  const [dirty, setDirty] = useState(false);
  const [asking, setAsking] = useState(false);
  const title = useTitle(which);
  const user = useOwnName();
  useEffect(() => setDirty(which !== null && user !== null && isBegun(user, which)), [which, user]);
  const leave = () => {
    setAsking(false);
    setDirty(false);
    if (user !== null && which !== null) {
      forget(user, which);
    }
    onClose();
  };
  // What is shown while it slides away.
  const shown = useRef(which);
  shown.current = which ?? shown.current;
  return (
    <>
      <Drawer
        opened={which !== null}
        // Not at once: the key that closes the drawer would close the question, too.
        onClose={() => (dirty ? window.setTimeout(() => setAsking(true)) : leave())}
        closeOnEscape={!asking}
        position="right"
        size="lg"
        title={title}
        returnFocus={false}
        onExitTransitionEnd={() => focusOn(shown.current === "new" ? "new-configuration" : `edit-${shown.current}`)}
        closeButtonProps={{ "aria-label": t("common.close") }}
        // Between the title and the buttons, which both stay in sight, there has to be room for what has the focus.
        styles={{ ...LONG_TITLE, content: { scrollPaddingBlock: "5rem" } }}
      >
        {which !== null && (
          <Own>
            {(name) => {
              const props = { user: name, setDirty, onDone: leave };
              return which === "new" ? <New {...props} /> : <Existing uuid={which} {...props} />;
            }}
          </Own>
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

/** What is made or changed; its name alone for those who may only look at it. */
function useTitle(which: string | null): string {
  const isThere = which !== null && which !== "new";
  const name = useQuery({ ...configurationQuery(useApi(), which ?? ""), enabled: isThere }).data?.name;
  const may = useMay("configure_backups");
  if (!isThere) {
    return t("configurations.form.newTitle");
  }
  return name === undefined ? t("configurations.edit") : may === false ? name : t("configurations.form.editTitle", { name });
}

interface FormProps {
  user: string;
  setDirty: (dirty: boolean) => void;
  onDone: () => void;
}

function New(props: FormProps) {
  const may = useMay("configure_backups");
  return may === false ? <Alert color="gray">{t("configurations.form.mayNotMake")}</Alert> : <Form row={null} {...props} />;
}

function Existing({ uuid, ...rest }: FormProps & { uuid: string }) {
  const query = useQuery(configurationQuery(useApi(), uuid));
  return <Loaded query={query}>{(row) => <Form key={row.uuid} row={row} {...rest} />}</Loaded>;
}

function Form({ user, row, setDirty, onDone }: FormProps & { row: Configuration | null }) {
  const api = useApi();
  const own = useDraft(user, row);
  const { draft } = own;
  const [mended, setMended] = useState<ReadonlySet<keyof Draft>>(new Set());
  const save = useSave(row, onDone);
  const may = useMay("configure_backups");
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // What had to be loaded was not there yet when the drawer took the focus.
    form.current?.querySelector<HTMLElement>("[data-autofocus]")?.focus({ preventScroll: true });
  }, []);
  // The name is not what the preview is about, and may still be missing.
  const [body] = useDebouncedValue({ ...requestOf(draft), name: draft.name || "new" }, PATIENCE_MS);
  const drafted = useQuery({ ...previewQuery(api, body), enabled: may === true });
  const saved = useQuery({ ...scheduleQuery(api, row?.uuid ?? "", RUNS), enabled: may === false && row !== null });
  const preview = may === false ? saved : drafted;
  const change = (changes: Partial<Draft>) => {
    own.change(changes);
    setMended((before) => new Set([...before, ...(Object.keys(changes) as (keyof Draft)[])]));
    setDirty(true);
  };
  const wrong = (field: keyof Draft) =>
    save.error instanceof ApiError && !mended.has(field) ? save.error.field(field) : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setMended(new Set());
    save.mutate(own);
  };
  const fields = { draft, change, wrong };
  const elsewhere = save.error && !save.error.problem?.errors.some((one) => one.field in draft) ? save.error : null;
  return (
    <form ref={form} onSubmit={submit} noValidate>
      <Stack>
        {may === false && <Text size="sm">{t("configurations.form.mayNot")}</Text>}
        {own.isLeft && <Alert color="yellow">{t("configurations.form.left")}</Alert>}
        <Part fixed={may === false}>
          <WhatFields {...fields} />
          <ScheduleFields {...fields} zone={preview.data?.time_zone} />
        </Part>
        <SchedulePreview query={preview} />
        <Part fixed={may === false}>
          <RetentionFields {...fields} />
        </Part>
        <RetentionPreview
          draft={draft}
          saved={row?.uuid ?? null}
          changed={RULES.some((rule) => draft[rule] !== own.saved[rule])}
        />
        <Part fixed={may === false}>
          <DetailFields {...fields} opened={may === false} />
        </Part>
        <Refusal error={elsewhere} />
        <Group justify="flex-end" pos="sticky" bottom={0} bg="var(--mantine-color-body)" py="sm">
          <Button variant="default" onClick={onDone}>
            {t(may === false ? "common.close" : "common.cancel")}
          </Button>
          <Allowed to="configure_backups">
            <Button id="configuration-save" type="submit" loading={save.isPending}>
              {t(`configurations.form.${row === null ? "create" : "save"}`)}
            </Button>
          </Allowed>
        </Group>
      </Stack>
    </form>
  );
}

/** Fields, which those who may only look at them do not change. */
function Part({ fixed, children }: { fixed: boolean; children: ReactNode }) {
  return (
    <Fieldset variant="unstyled" disabled={fixed}>
      <Stack>{children}</Stack>
    </Fieldset>
  );
}
