/** A dialog that returns the focus, and the typed confirmation of actions that cannot be undone. */

import { Alert, Modal, TextInput } from "@mantine/core";
import type { ReactNode } from "react";

import { t } from "../i18n";

/** The heading of the view. It takes the focus when the previous element is gone. */
export const VIEW_HEADING_ID = "view-heading";

/** Focus the element with this id, or with this `data-focus-id` where another library sets the id. */
export function focusElement(id: string) {
  const named = document.querySelector<HTMLElement>(`[data-focus-id="${id}"]`);
  const next = document.getElementById(id) ?? named ?? document.getElementById(VIEW_HEADING_ID);
  next?.focus();
  // The page below does not scroll until the dialog is gone.
  requestAnimationFrame(() => next?.scrollIntoView({ block: "nearest" }));
}

/** Keeps room for the close button beside a long name. */
export const LONG_TITLE_STYLES = { title: { minWidth: 0, lineHeight: 1.3, overflowWrap: "anywhere" } } as const;

interface DialogProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  /** The id of the element that takes the focus afterwards. */
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

/** A field for a name that must be typed exactly. Enter submits once it matches. */
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
      // Below the field, close to the typed text; screen readers read it with the field.
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

/** The reason of the server for a failed request. */
export function RequestError({ error }: { error: Error | null }) {
  return error ? (
    <Alert color="red" role="alert">
      {error.message}
    </Alert>
  ) : null;
}
