/** A dialog that puts the focus back to what it was opened from, and something to type before what cannot be undone. */

import { Alert, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, useId } from "react";

import { t } from "../../../i18n";

/** The heading of the view, for when what had the focus is gone. */
export const HEADING = "view-heading";

/** Focus what has that id, or `data-focus-id` where something else gives the id. */
export function focusOn(id: string) {
  const named = document.querySelector<HTMLElement>(`[data-focus-id="${id}"]`);
  (document.getElementById(id) ?? named ?? document.getElementById(HEADING))?.focus();
}

interface DialogProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  /** The id of what has the focus afterwards. */
  returnTo: string;
  children: ReactNode;
}

export function Dialog({ title, opened, onClose, returnTo, children }: DialogProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      centered
      returnFocus={false}
      onExitTransitionEnd={() => focusOn(returnTo)}
      closeButtonProps={{ "aria-label": t("common.close") }}
    >
      {children}
    </Modal>
  );
}

/** What must be typed, exactly. Enter is the same as the button below once it fits. */
export function TypedName(props: {
  name: string;
  label: string;
  value: string;
  error?: string | undefined;
  onChange: (value: string) => void;
}) {
  const help = useId();
  return (
    <Stack gap={4}>
      <TextInput
        label={props.label}
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
        error={props.error}
        aria-describedby={help}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        data-autofocus
      />
      <Text id={help} size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
        {props.name}
      </Text>
    </Stack>
  );
}

/** Why what was asked for was not done, in the server's words. */
export function Refusal({ error }: { error: Error | null }) {
  return error ? (
    <Alert color="red" role="alert">
      {error.message}
    </Alert>
  ) : null;
}
