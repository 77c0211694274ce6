/** Notifications about the results of actions, visible and announced anywhere on the page. */

import { Affix, Anchor, Box, Button, Notification, Stack, Text } from "@mantine/core";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Link } from "react-router";

import { t } from "../i18n";

export interface Notice {
  tone: "good" | "note" | "bad";
  title: string;
  text?: string;
  link?: { to: string; label: string };
  /** Takes the action back, where that is possible. */
  undo?: () => void;
}

type StoredNotice = Notice & { id: number };

const COLOURS = { good: "green", note: "yellow", bad: "red" };
const MOST = 3;
const EDGE_PX = 16;
const Context = createContext<(notice: Notice) => void>(() => {});

export function NotificationsProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<StoredNotice[]>([]);
  const notify = useCallback((notice: Notice) => {
    setNotices((before) => [...before.slice(1 - MOST), { ...notice, id: (before.at(-1)?.id ?? 0) + 1 }]);
  }, []);
  const drop = (id: number) => setNotices((before) => before.filter((one) => one.id !== id));
  const shown = useMemo(
    () => notices.map((one) => <NoticeItem key={one.id} notice={one} onClose={() => drop(one.id)} />),
    [notices],
  );
  const stack = useRef<HTMLDivElement>(null);
  const reserved = useReservedSpace(stack, notices.length);
  return (
    <Context.Provider value={notify}>
      {children}
      <Box h={reserved} />
      <Affix position={{ bottom: EDGE_PX, right: EDGE_PX }} zIndex={400}>
        <Stack ref={stack} gap="xs" maw="min(26rem, calc(100vw - 2rem))" role="status" aria-live="polite">
          {shown}
        </Stack>
      </Affix>
    </Context.Provider>
  );
}

/** Return the height that the notices cover. The page scrolls by as much more, so that they never cover the focus. */
function useReservedSpace(stack: { current: HTMLElement | null }, count: number): number {
  const [reserved, setRoom] = useState(0);
  useLayoutEffect(() => {
    setRoom(count > 0 ? (stack.current?.offsetHeight ?? 0) + 2 * EDGE_PX : 0);
  }, [stack, count]);
  useLayoutEffect(() => {
    document.documentElement.style.scrollPaddingBottom = `${reserved}px`;
    return () => {
      document.documentElement.style.removeProperty("scroll-padding-bottom");
    };
  }, [reserved]);
  return reserved;
}

function NoticeItem({ notice, onClose }: { notice: StoredNotice; onClose: () => void }) {
  return (
    <Notification
      color={COLOURS[notice.tone]}
      title={notice.title}
      role={notice.tone === "bad" ? "alert" : undefined}
      withBorder
      onClose={onClose}
      closeButtonProps={{ "aria-label": t("common.close") }}
    >
      <Text size="sm" c="var(--mantine-color-text)">
        {notice.text}{" "}
        {notice.link && (
          <Anchor component={Link} to={notice.link.to} inherit underline="always">
            {notice.link.label}
          </Anchor>
        )}
      </Text>
      {notice.undo && (
        <Button
          size="compact-sm"
          variant="light"
          mt={4}
          onClick={() => {
            notice.undo?.();
            onClose();
          }}
        >
          {t("common.undo")}
        </Button>
      )}
    </Notification>
  );
}

export function useNotify(): (notice: Notice) => void {
  return useContext(Context);
}
