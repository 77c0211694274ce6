/** A palette that jumps to anything by a part of its name: ⌘K or Ctrl+K opens it, arrow keys and Enter choose. */

import { Button, Group, Kbd, Modal, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { useDebouncedValue, useDisclosure, useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import SearchIcon from "lucide-react/icons/search";
import { createContext, type KeyboardEvent, type ReactNode, useContext, useId, useState } from "react";
import { useNavigate } from "react-router";

import { t } from "../i18n";
import classes from "./Palette.module.css";

/** A place to jump to. */
export interface PaletteItem {
  label: string;
  /** The kind of place, such as "Document". */
  kind: string;
  to: string;
}

/** Returns the places that match a text. With an empty text, those to offer at once. */
export type PaletteSource = (text: string) => Promise<PaletteItem[]>;

const DEBOUNCE_MS = 150;
const MOST_ITEMS = 20;
const Context = createContext<(() => void) | null>(null);

/** Return whether a name contains each word of a text. */
export function matches(name: string, text: string): boolean {
  const folded = name.toLocaleLowerCase();
  return text
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => folded.includes(word));
}

interface PaletteProps {
  /** The same array at every render. */
  sources: PaletteSource[];
  /** Puts its button above the page, which has no place of its own for it. */
  withButton?: boolean;
  children: ReactNode;
}

/** Provides one palette to the page. Inside of another one, that one serves, with its own button. */
export function PaletteProvider({ children, ...own }: PaletteProps) {
  const outer = useContext(Context);
  return outer ? children : <OwnPalette {...own}>{children}</OwnPalette>;
}

function OwnPalette({ sources, withButton = false, children }: PaletteProps) {
  const [opened, { open, close, toggle }] = useDisclosure();
  // Also while a field has the focus: no field uses this key.
  useHotkeys([["mod+K", toggle]], []);
  return (
    <Context.Provider value={open}>
      {withButton && (
        <Group justify="flex-end" mb="xs">
          <PaletteButton />
        </Group>
      )}
      {children}
      <Modal
        opened={opened}
        onClose={close}
        withCloseButton={false}
        padding="xs"
        size="lg"
        attributes={{ content: { "aria-label": t("palette.title") } }}
      >
        <Search sources={sources} onDone={close} />
      </Modal>
    </Context.Provider>
  );
}

/** Opens the palette, and names its key. */
export function PaletteButton() {
  const open = useContext(Context);
  return (
    open && (
      <Button variant="default" onClick={open} aria-keyshortcuts="Control+K Meta+K" px="sm">
        <Group gap="xs" wrap="nowrap">
          <SearchIcon size={16} aria-hidden />
          <Text span inherit visibleFrom="md">
            {t("palette.open")}
          </Text>
          <VisuallyHidden hiddenFrom="md">{t("palette.open")}</VisuallyHidden>
          <Kbd size="xs" visibleFrom="md">
            {navigator.userAgent.includes("Mac") ? "⌘K" : "Ctrl K"}
          </Kbd>
        </Group>
      </Button>
    )
  );
}

function Search({ sources, onDone }: { sources: PaletteSource[]; onDone: () => void }) {
  const navigate = useNavigate();
  const list = useId();
  const [text, setText] = useState("");
  const [wanted] = useDebouncedValue(text.trim(), DEBOUNCE_MS);
  const [active, setActive] = useState(0);
  const query = useQuery({
    queryKey: ["palette", wanted],
    queryFn: async () => (await Promise.all(sources.map((find) => find(wanted)))).flat().slice(0, MOST_ITEMS),
    placeholderData: (before) => before,
    retry: false,
  });
  const items = query.data ?? [];
  const go = (item: PaletteItem | undefined) => {
    if (item) {
      onDone();
      void navigate(item.to);
    }
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setActive((before) => (before + step + items.length) % Math.max(items.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(items[active]);
    }
  };
  return (
    <>
      <TextInput
        data-autofocus
        role="combobox"
        aria-label={t("palette.title")}
        aria-expanded
        aria-controls={list}
        aria-activedescendant={items[active] && `${list}-${active}`}
        autoComplete="off"
        placeholder={t("palette.placeholder")}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={press}
      />
      <div className={classes["items"]} role="listbox" id={list} aria-label={t("palette.results")}>
        {items.map((item, index) => (
          // The field keeps the focus: it moves the selection and takes Enter.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
          <div
            key={`${item.to} ${item.label}`}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            className={classes["item"]}
            onClick={() => go(item)}
            onMouseMove={() => setActive(index)}
          >
            <span className={classes["label"]}>{item.label}</span>
            <span className={classes["kind"]}>{item.kind}</span>
          </div>
        ))}
      </div>
      <Text size="sm" c="dimmed" role="status" px="xs">
        {query.error ? query.error.message : items.length === 0 && !query.isFetching ? t("palette.nothing") : ""}
      </Text>
    </>
  );
}
