/**
 * Keeps the position of keyboard users.
 *
 * A browser loses the focus when the focused button is disabled, as it is while it works, and when the focused element
 * is removed, such as the row of a deleted item.
 */

import { useEffect } from "react";

/** The time a dialog takes to return the focus by itself. */
const DIALOG_DELAY_MS = 60;
const ABOVE = "[role=dialog], [role=menu], [role=listbox]";

interface FocusHistory {
  /** The element that had the focus last. */
  last: HTMLElement | null;
  /** The same, without elements above the page, such as dialogs and menus. */
  below: HTMLElement | null;
  /** The headings above `below`, the nearest first. */
  headings: HTMLElement[];
}

function headingsBefore(element: HTMLElement): HTMLElement[] {
  const all = [...document.querySelectorAll<HTMLElement>("h1, h2, h3, h4")].filter((one) => !one.closest(ABOVE));
  return all.filter((one) => one.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING).reverse();
}

function isLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

function restoreFocus({ last, below, headings }: FocusHistory): void {
  // Wait for a button that works. A button that was removed while it worked, as with its dialog, never finishes.
  if (!isLost() || last === null || (last.isConnected && last.matches(":disabled"))) {
    return;
  }
  const next = [last, below, ...headings].find((one) => one?.isConnected && !one.matches(":disabled"));
  if (next?.matches("h1, h2, h3, h4") && !next.hasAttribute("tabindex")) {
    next.tabIndex = -1;
  }
  next?.focus();
}

/** Returns the focus to a button that has finished, or to the heading above a removed element. */
export function useFocusRestore(): void {
  useEffect(() => {
    const history: FocusHistory = { last: null, below: null, headings: [] };
    let timer = 0;
    const onFocusIn = ({ target }: FocusEvent) => {
      history.last = target as HTMLElement;
      if (!history.last.closest(ABOVE)) {
        Object.assign(history, { below: history.last, headings: headingsBefore(history.last) });
      }
    };
    const onFocusOut = ({ target, relatedTarget }: FocusEvent) => {
      const element = target as HTMLElement;
      queueMicrotask(() => {
        // A click outside of all controls gives up the focus on purpose.
        if (
          relatedTarget === null &&
          history.last === element &&
          element.isConnected &&
          !element.matches(":disabled")
        ) {
          history.last = null;
        }
      });
    };
    const observer = new MutationObserver(() => {
      if (isLost() && history.last !== null) {
        window.clearTimeout(timer);
        timer = window.setTimeout(() => restoreFocus(history), DIALOG_DELAY_MS);
      }
    });
    document.addEventListener("focusin", onFocusIn);
    document.addEventListener("focusout", onFocusOut);
    observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled"] });
    return () => {
      window.clearTimeout(timer);
      document.removeEventListener("focusin", onFocusIn);
      document.removeEventListener("focusout", onFocusOut);
      observer.disconnect();
    };
  }, []);
}
