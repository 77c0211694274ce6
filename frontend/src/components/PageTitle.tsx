/** The heading of a page. It names the browser tab, and takes the focus after a change of page. */

import { Title } from "@mantine/core";
import { useEffect, useRef } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

/** The history entry that the browser opened itself, new or restored. It starts at its top. */
const OPENED = (window.history.state as { key?: string } | null)?.key ?? "default";

interface PageTitleProps {
  text: string;
  /** The open part of the page. It precedes the text in the browser tab. */
  part?: string;
}

export function PageTitle({ text, part }: PageTitleProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { key, pathname } = useLocation();
  const shown = useRef(false);
  // A user who goes back finds the page at the previous position.
  const preventScroll = useNavigationType() === NavigationType.Pop;
  useEffect(() => {
    document.title = part ? `${part} – ${text}` : text;
  }, [text, part]);
  useEffect(() => {
    // Keep the focus where it still is, such as on a tab of the same page.
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
