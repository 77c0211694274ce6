/** The heading of a page: it names the browser's tab, and is where a reader begins after going from page to page. */

import { Title } from "@mantine/core";
import { useEffect, useRef } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

/** Which entry of its history the browser has opened by itself, newly or once more: that begins at its top. */
const OPENED = (window.history.state as { key?: string } | null)?.key ?? "default";

interface PageTitleProps {
  text: string;
  /** What of the page is open; it stands before the text in the browser's tab. */
  part?: string;
}

export function PageTitle({ text, part }: PageTitleProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { key, pathname } = useLocation();
  const shown = useRef(false);
  // Whoever goes back finds the page where they have left it.
  const preventScroll = useNavigationType() === NavigationType.Pop;
  useEffect(() => {
    document.title = part ? `${part} – ${text}` : text;
  }, [text, part]);
  useEffect(() => {
    // What still has the focus, such as a tab of the same page, keeps it.
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (key !== OPENED && (lost || !shown.current)) {
      heading.current?.focus({ preventScroll });
    }
    shown.current = true;
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the search of an address changes while the user types into a filter, which is no other page
  }, [pathname]);
  return (
    <Title order={1} size="h2" mb="sm" ref={heading} tabIndex={-1} style={{ outline: "none" }}>
      {text}
    </Title>
  );
}
