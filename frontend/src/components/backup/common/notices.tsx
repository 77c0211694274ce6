/** What came of something that was asked for, said where it is seen and heard wherever on the page one is. */

import { Affix, Anchor, Notification, Stack, Text } from "@mantine/core";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { Link } from "react-router";

import { t } from "../../../i18n";

export interface Notice {
  tone: "good" | "note" | "bad";
  title: string;
  text?: string;
  link?: { to: string; label: string };
}

type Kept = Notice & { id: number };

const COLOURS = { good: "green", note: "yellow", bad: "red" };
const MOST = 3;
const Context = createContext<(notice: Notice) => void>(() => {});

export function NoticesProvider({ children }: { children: ReactNode }) {
  const [kept, setKept] = useState<Kept[]>([]);
  const tell = useCallback((notice: Notice) => {
    setKept((before) => [...before.slice(1 - MOST), { ...notice, id: (before.at(-1)?.id ?? 0) + 1 }]);
  }, []);
  const drop = (id: number) => setKept((before) => before.filter((one) => one.id !== id));
  const shown = useMemo(() => kept.map((one) => <Shown key={one.id} notice={one} onClose={() => drop(one.id)} />), [kept]);
  return (
    <Context.Provider value={tell}>
      {children}
      <Affix position={{ bottom: 16, right: 16 }} zIndex={400}>
        <Stack gap="xs" maw="min(26rem, calc(100vw - 2rem))" role="status" aria-live="polite">
          {shown}
        </Stack>
      </Affix>
    </Context.Provider>
  );
}

function Shown({ notice, onClose }: { notice: Kept; onClose: () => void }) {
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
    </Notification>
  );
}

export function useTell(): (notice: Notice) => void {
  return useContext(Context);
}
