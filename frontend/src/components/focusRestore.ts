/** Whoever works with the keyboard is never thrown back to the top of the page.
 *
 * A browser forgets where the focus was when a button is switched off, as it is while it works, and when what had the focus is
 * gone, such as the row of something that was deleted.
 */

import { useEffect } from "react";

/** As long as a dialog takes to give the focus back by itself. */
const DIALOG_DELAY_MS = 60;
const ABOVE = "[role=dialog], [role=menu], [role=listbox]";

interface FocusHistory {
  /** What had the focus last. */
  last: HTMLElement | null;
  /** The same, without what lies above the page for a while. */
  below: HTMLElement | null;
  /** What `below` stands under, the nearest first. */
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
  // What works is waited for. What was taken away while it worked never ends, as with its dialog.
  if (!isLost() || last === null || (last.isConnected && last.matches(":disabled"))) {
    return;
  }
  const next = [last, below, ...headings].find((one) => one?.isConnected && !one.matches(":disabled"));
  if (next?.matches("h1, h2, h3, h4") && !next.hasAttribute("tabindex")) {
    next.tabIndex = -1;
  }
  next?.focus();
}

/** Puts the focus back to a button that is done, and to the heading above what is gone. */
export function useFocusRestore(): void {
  useEffect(() => {
    const history: FocusHistory = { last: null, below: null, headings: [] };
    let timer = 0;
    const come = ({ target }: FocusEvent) => {
      history.last = target as HTMLElement;
      if (!history.last.closest(ABOVE)) {
        Object.assign(history, { below: history.last, headings: headingsBefore(history.last) });
      }
    };
    const go = ({ target, relatedTarget }: FocusEvent) => {
      const element = target as HTMLElement;
      queueMicrotask(() => {
        // Who presses beside everything has left it, and is not brought back.
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
    const watch = new MutationObserver(() => {
      if (isLost() && history.last !== null) {
        window.clearTimeout(timer);
        timer = window.setTimeout(() => restoreFocus(history), DIALOG_DELAY_MS);
      }
    });
    document.addEventListener("focusin", come);
    document.addEventListener("focusout", go);
    watch.observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled"] });
    return () => {
      window.clearTimeout(timer);
      document.removeEventListener("focusin", come);
      document.removeEventListener("focusout", go);
      watch.disconnect();
    };
  }, []);
}
