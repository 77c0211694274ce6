/** Switches between light and dark. Follows the system until the user chooses; this browser remembers the choice. */

import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";

import { t } from "../i18n";

export function ColourSchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light", { getInitialValueInEffect: false }) === "dark";
  return (
    <ActionIcon
      variant="default"
      size={36}
      aria-label={t(dark ? "app.toLight" : "app.toDark")}
      onClick={() => setColorScheme(dark ? "light" : "dark")}
    >
      <svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden>
        {dark ? (
          <>
            <circle cx="12" cy="12" r="4" />
            <path d="M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2" strokeLinecap="round" />
          </>
        ) : (
          <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" strokeLinejoin="round" />
        )}
      </svg>
    </ActionIcon>
  );
}
