/** Dialogs to delete and to duplicate a configuration. */

import { Button, Checkbox, Group, List, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { createContext, type SubmitEvent, type ReactNode, useCallback, useContext, useState } from "react";

import { useLocation, useNavigate } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import { ApiError } from "../../../api/client";
import { t } from "../../../i18n";
import { Dialog, RequestError, NameConfirmation } from "../../../components/Dialog";
import { useConsolePath } from "../consolePath";
import { usePermission } from "../permissions";
import type { Configuration } from "./formValues";
import { useDelete, useDuplicate } from "./mutations";

type Which = "delete" | "duplicate";
type Ask = (which: Which, row: Configuration) => void;

const Context = createContext<Ask>(() => {});

/** Return the focus id of the menu from which the dialogs of a configuration open. */
export function menuFocusId(row: Configuration): string {
  return `more-${row.uuid}`;
}

/** Stands above the list, so that a dialog stays open when the table becomes cards, for example after zooming. */
export function DialogsProvider({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<{ which: Which; row: Configuration } | null>(null);
  const [opened, { open, close }] = useDisclosure();
  const ask = useCallback<Ask>(
    (which, row) => {
      setAsked({ which, row });
      open();
    },
    [open],
  );
  const Asked = asked?.which === "delete" ? DeleteDialog : DuplicateDialog;
  return (
    <Context.Provider value={ask}>
      {children}
      {asked && (
        <Asked key={asked.row.uuid} row={asked.row} opened={opened} onClose={close} returnTo={menuFocusId(asked.row)} />
      )}
    </Context.Provider>
  );
}

export function useOpenDialog(): Ask {
  return useContext(Context);
}

interface Props {
  row: Configuration;
  opened: boolean;
  onClose: () => void;
  returnTo: string;
}

function Buttons({ onClose, children }: { onClose: () => void; children: ReactNode }) {
  return (
    <Group justify="flex-end">
      <Button variant="default" onClick={onClose}>
        {t("common.cancel")}
      </Button>
      {children}
    </Group>
  );
}

function DeleteDialog({ row, opened, onClose, returnTo }: Props) {
  return (
    <Dialog title={t("configurations.deleteDialog.title", { name: row.name })} {...{ opened, onClose, returnTo }}>
      <DeleteForm row={row} onClose={onClose} />
    </Dialog>
  );
}

function DeleteForm({ row, onClose }: { row: Configuration; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [backups, setBackups] = useState(false);
  const mayDelete = usePermission("delete_backups") === true;
  const base = useConsolePath();
  const navigate = useNavigate();
  const { search } = useLocation();
  const removal = useDelete(row, (isDeleted) => {
    onClose();
    if (isDeleted) {
      // Its page is gone with it.
      void navigate({ pathname: `${base}/configurations`, search }, { replace: true });
    }
  });
  const fits = typed === row.name;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (fits) {
      removal.mutate(backups);
    }
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <List spacing="xs" size="sm">
          {!backups && <List.Item>{t("configurations.deleteDialog.backups")}</List.Item>}
          <List.Item>
            <Text span inherit fw={600}>
              {t(`configurations.deleteDialog.${backups ? "withBackupsText" : "forever"}`)}
            </Text>
          </List.Item>
          <List.Item>{t("configurations.deleteDialog.schedule")}</List.Item>
        </List>
        {mayDelete && (
          <Checkbox
            label={t("configurations.deleteDialog.withBackups")}
            checked={backups}
            onChange={(event) => setBackups(event.currentTarget.checked)}
          />
        )}
        <NameConfirmation
          name={row.name}
          label={t("configurations.deleteDialog.type", { name: row.name })}
          value={typed}
          onChange={setTyped}
        />
        <RequestError error={removal.error} />
        <Buttons onClose={onClose}>
          <ActionButton type="submit" color="red" disabled={!fits} pending={removal.isPending}>
            {t(`configurations.deleteDialog.${backups ? "confirmWithBackups" : "confirm"}`)}
          </ActionButton>
        </Buttons>
      </Stack>
    </form>
  );
}

function DuplicateDialog({ row, opened, onClose, returnTo }: Props) {
  return (
    <Dialog title={t("configurations.duplicateDialog.title", { name: row.name })} {...{ opened, onClose, returnTo }}>
      <DuplicateForm row={row} onClose={onClose} />
    </Dialog>
  );
}

function DuplicateForm({ row, onClose }: { row: Configuration; onClose: () => void }) {
  const [name, setName] = useState(t("configurations.duplicateDialog.proposed", { name: row.name }));
  const copy = useDuplicate(row, onClose);
  const wrong = copy.error instanceof ApiError ? copy.error.field("name") : undefined;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    copy.mutate(name);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{t("configurations.duplicateDialog.text")}</Text>
        <TextInput
          label={t("configurations.duplicateDialog.name")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={wrong}
          required
          maxLength={100}
          data-autofocus
        />
        {!wrong && <RequestError error={copy.error} />}
        <Buttons onClose={onClose}>
          <ActionButton type="submit" pending={copy.isPending}>
            {t("configurations.duplicateDialog.confirm")}
          </ActionButton>
        </Buttons>
      </Stack>
    </form>
  );
}
