/** A dialog that puts the focus back to what it was opened from, and something to type before what cannot be undone. */

import { Alert, Modal, TextInput } from "@mantine/core";
import type { ReactNode } from "react";

import { t } from "../i18n";

/** The heading of the view, for when what had the focus is gone. */
export const VIEW_HEADING_ID = "view-heading";

/** Focus what has that id, or `data-focus-id` where something else gives the id. */
export function focusElement(id: string) {
  const named = document.querySelector<HTMLElement>(`[data-focus-id="${id}"]`);
  const next = document.getElementById(id) ?? named ?? document.getElementById(VIEW_HEADING_ID);
  next?.focus();
  // The page below does not scroll until the dialog is quite gone.
  requestAnimationFrame(() => next?.scrollIntoView({ block: "nearest" }));
}

/** A name in a title, however long, leaves room for the button that closes. */
export const LONG_TITLE_STYLES = { title: { minWidth: 0, lineHeight: 1.3, overflowWrap: "anywhere" } } as const;

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
      onExitTransitionEnd={() => focusElement(returnTo)}
      closeButtonProps={{ "aria-label": t("common.close") }}
      styles={LONG_TITLE_STYLES}
    >
      {children}
    </Modal>
  );
}

const TYPED = {
  color: "inherit",
  fontFamily: "var(--mantine-font-family-monospace)",
  fontSize: "var(--mantine-font-size-sm)",
  overflowWrap: "anywhere",
} as const;

/** What must be typed, exactly. Enter is the same as the button below once it fits. */
export function NameConfirmation(props: {
  name: string;
  label: string;
  value: string;
  error?: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <TextInput
      label={props.label}
      // Below the field, where the eye is while typing; read out with it.
      description={props.name}
      inputWrapperOrder={["label", "input", "description", "error"]}
      styles={{ description: TYPED, label: { overflowWrap: "anywhere" } }}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      error={props.error}
      autoComplete="off"
      autoCapitalize="off"
      spellCheck={false}
      data-autofocus
    />
  );
}

/** Why what was asked for was not done, in the server's words. */
export function RequestError({ error }: { error: Error | null }) {
  return error ? (
    <Alert color="red" role="alert">
      {error.message}
    </Alert>
  ) : null;
}
