import { Button, type ButtonProps, type ElementProps, Loader } from "@mantine/core";
import type { MouseEvent } from "react";

import classes from "./ActionButton.module.css";

interface ActionButtonProps extends Omit<ButtonProps, "loading">, ElementProps<"button", keyof ButtonProps> {
  /** Whether the action is running. */
  pending: boolean;
}

/**
 * A button that starts an action. While the action runs, it ignores clicks and keeps the focus: a disabled button would
 * lose it, and a keyboard user would start again at the top of the page.
 */
export function ActionButton({ pending, onClick, children, ...props }: ActionButtonProps) {
  const click = (event: MouseEvent<HTMLButtonElement>) => {
    if (pending) {
      event.preventDefault();
    } else {
      onClick?.(event);
    }
  };
  return (
    <Button {...props} onClick={click} aria-busy={pending} aria-disabled={pending || undefined}>
      <span className={pending ? classes["faded"] : undefined}>{children}</span>
      {pending && <Loader size="1em" color="currentColor" className={classes["loader"] ?? ""} aria-hidden />}
    </Button>
  );
}
